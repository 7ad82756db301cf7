"""What a record is: its fields, their types and ranges, checked wherever one is read."""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from stflow_lib.data.errors import DataError
from stflow_lib.runs.csv_rows import rows
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.profiles import PROFILES
from stflow_lib.runs.run import Run, RunError, method_of

RUN_FIELDS = ("wing", "method", "city", "protocol", "scarcity", "profile", "seed", "settings")
WHOLE = ("seed", "parameters", "epochs", "threads")
BESIDE = ("stages", "converged", "days", "valid_error", "rule_valid_error")  # see evidence.py
JSON = ("settings", "curves", "notes", "resumed", *BESIDE)
NUMBERS = ("seconds_per_epoch", "fit_seconds", "predict_seconds", "peak_memory_mb")
WORDS = ("date", "device", "torch", "python", "source_hash", "data_hash", "lock_hash")
SCORE = re.compile(r"(metric|part)_\w+")
ERROR = re.compile(r".*_(rmse|mae|mape)")
THREADS = re.compile(r"(.*), (\d+) threads")  # how the device was written with them
MAY_LACK = {"threads", "lock_hash", *BESIDE}  # what older records do not say


def checked(record: Any, where: str) -> dict[str, Any]:
    """`record` when it is one, with `device` and `threads` apart; DataError names `where`.

    Every field is there, of its type and in its range, the method exists in the wing, and the
    key is the hash of the fields that name the run.
    """
    if not isinstance(record, Mapping):
        raise DataError(f"{where}: no record but {type(record).__name__}")
    record = _apart({"lock_hash": "", **record})
    _names(record, where)
    for name, value in record.items():
        fits, words = _rule(name)
        if not fits(value):
            raise DataError(f"{where}: {name} {value!r} is no {words}")
    _run(record, where)
    return record


def from_json(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError for NaN, infinity and a name that stands twice."""
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """The records of a published file, WING/TARGET.csv, by key; DataError names line and field."""
    records: dict[str, dict] = {}
    for where, row in rows(path, _wrong_columns):
        record = checked({k: _value(k, v, where) for k, v in row.items() if v != ""}, where)
        place = record["wing"], target_of(record["city"])
        if place != (path.parent.name, path.stem):
            raise DataError(f"{where}: a record of {'/'.join(place)}")
        if record["key"] in records:
            raise DataError(f"{where}: key {record['key']} stands twice")
        records[record["key"]] = record
    return records


def _wrong_columns(names: list[str]) -> str:
    unknown = [name for name in names if name not in RULES and not SCORE.fullmatch(name)]
    missing = sorted(set(RULES) - MAY_LACK - set(names))
    return (
        f"column {unknown[0]!r} is no field of a record"
        if unknown
        else f"column {missing[0]!r} is missing"
        if missing
        else ""
    )


def _value(name: str, text: str, where: str) -> Any:
    read: Callable = str
    if name in JSON:
        read = from_json
    elif name in WHOLE:
        read = int
    elif name in NUMBERS or SCORE.fullmatch(name):
        read = float
    try:
        return read(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: {name} {text[:60]!r}: {error}") from None


def _apart(record: dict) -> dict:
    """Older records have the number of threads in the text of the device."""
    found = THREADS.fullmatch(str(record.get("device")))
    if found and "threads" not in record:
        return record | {"device": found[1], "threads": int(found[2])}
    return record


def _names(record: dict, where: str) -> None:
    if missing := sorted(set(RULES) - MAY_LACK - set(record)):
        raise DataError(f"{where}: {missing[0]!r} is missing")
    scores = {name for name in record if SCORE.fullmatch(str(name))}
    if unknown := sorted(map(str, set(record) - set(RULES) - scores)):
        raise DataError(f"{where}: {unknown[0]!r} is no field of a record")
    if not any(name.startswith("metric_") for name in scores):
        raise DataError(f"{where}: no metric")


def _run(record: dict, where: str) -> None:
    run = Run(**{name: record[name] for name in RUN_FIELDS})
    if run.key != record["key"]:
        raise DataError(f"{where}: key {record['key']}, but its run has {run.key}")
    try:
        method_of(run)
    except RunError as error:
        raise DataError(f"{where}: {error}") from None


Rule = tuple[Callable[[Any], bool], str]  # what a value must be: a test, and in words


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_date(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_curves(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(curve, list) and all(v is None or _is_number(v) for v in curve)
        for curve in value.values()
    )


TEXT: Rule = (lambda v: isinstance(v, str) and bool(v.strip()), "text")
COUNT: Rule = (lambda v: type(v) is int and v >= 0, "whole number from 0 on")
NUMBER: Rule = (_is_number, "finite number")
AMOUNT: Rule = (lambda v: _is_number(v) and v >= 0, "finite number from 0 on")
FLAG: Rule = (lambda v: isinstance(v, bool), "true or false")
MAPPING: Rule = (lambda v: isinstance(v, dict), "mapping")
RULES: dict[str, Rule] = {
    **dict.fromkeys((*RUN_FIELDS, "key", *WORDS), TEXT),
    **dict.fromkeys(WHOLE, COUNT),
    **dict.fromkeys(NUMBERS, AMOUNT),
    "profile": (lambda v: v in PROFILES, f"one of {', '.join(PROFILES)}"),
    "settings": MAPPING,
    "notes": MAPPING,
    "curves": (_is_curves, "mapping to lists of finite numbers"),
    **dict.fromkeys(("resumed", "converged"), FLAG),
    **dict.fromkeys(("stages", "days", "rule_valid_error"), MAPPING),
    "valid_error": AMOUNT,
    "threads": (lambda v: type(v) is int and v >= 1, "whole number from 1 on"),
    "date": (_is_date, "date with a time and a zone"),
    "lock_hash": (lambda v: isinstance(v, str), "text"),
}


def _rule(name: str) -> Rule:
    """The rule of a field; scores are finite, and errors are not negative."""
    return RULES.get(name) or (AMOUNT if ERROR.fullmatch(name) else NUMBER)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} stands twice")
    return dict(pairs)
