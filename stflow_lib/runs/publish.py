"""Published records: the store's content as sorted CSV files, one per city, kept with the book."""

import csv
import io
import json
import math
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from stflow_lib import INSTALLED, ROOT
from stflow_lib.data.files.paths import setting_path
from stflow_lib.data.files.write import locked, write_atomic
from stflow_lib.runs import store
from stflow_lib.runs.held_out import refuse_second_settings
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.record import BESIDE, JSON, NUMBERS, RUN_FIELDS, WORDS, read_results
from stflow_lib.runs.run import RunError

DIGITS = 6  # significant digits kept of a number
ROUGH = {"curves": 4, "notes": 4}  # and of these
LONGEST = 64  # points of a published curve; longer ones stay in the store


def results_folder(wing: str) -> Path:
    """book/results/WING, or the folder of that name in STFLOW_RESULTS: a CSV for every target."""
    return (setting_path("STFLOW_RESULTS") or ROOT / "book" / "results") / wing


def published(wing: str) -> dict[str, dict]:
    """The wing's published records by key; empty when nothing is published.

    DataError names file, line and field of a row that is no record.
    """
    return _read(_files(results_folder(wing)))


def _files(folder: Path) -> tuple[tuple[str, int], ...]:
    """The tables of a folder by path, with their times of change; asked for every record."""
    if not folder.is_dir():
        return ()
    with os.scandir(folder) as found:
        tables = [entry for entry in found if entry.name.endswith(".csv")]
        return tuple(sorted((entry.path, entry.stat().st_mtime_ns) for entry in tables))


def publish(wing: str) -> Path:
    """Merge the store into the wing's published files; of two records the newer one stays.

    Smoke records stay out: they prove that code runs, not what it reaches. The same records
    give the same bytes. Of several processes one merges at a time, into what the others left.
    Returns the folder. RunError where that would be the installed package's own.
    """
    if INSTALLED and not setting_path("STFLOW_RESULTS"):
        raise RunError("publish: this package is installed; STFLOW_RESULTS names the folder")
    folder = results_folder(wing)
    with locked(folder):
        _read.cache_clear()  # two files of one clock tick have the same time of change
        merged = dict(published(wing))
        for record in store.read_all(wing):
            old = merged.get(record["key"])
            if record["profile"] != "smoke" and (old is None or old["date"] < record["date"]):
                merged[record["key"]] = record
        refuse_second_settings(wing, merged.values())
        write_files(folder, merged.values())
    return folder


def write_files(folder: Path, records: Iterable[dict]) -> None:
    """Put records into the files of their targets; other files stay as they are."""
    for city, group in _by_target(records).items():
        write_atomic(folder / f"{city}.csv", _text(group).encode())


def _by_target(records: Iterable[dict]) -> dict[str, list[dict]]:
    groups: dict[str, list[dict]] = {}
    for record in records:
        groups.setdefault(target_of(record["city"]), []).append(record)
    return groups


def _text(records: list[dict]) -> str:
    order = ("method", "city", "protocol", "scarcity", "profile", "seed", "key")
    rows = sorted(records, key=lambda record: [str(record[name]) for name in order])
    names = {name for record in records for name in record}
    scores = sorted(name for name in names if name.startswith(("metric_", "part_")))
    out = io.StringIO()
    head = [
        *RUN_FIELDS,
        "key",
        *scores,
        "parameters",
        "epochs",
        *NUMBERS,
        "resumed",
        "threads",
        *BESIDE,
        *WORDS,
        "notes",
        "curves",
    ]
    table = csv.DictWriter(out, head, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows({k: _cell(k, v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def _cell(name: str, value) -> str:
    if name in JSON:
        value = _short(value) if name == "curves" else value
        value = _round(value, ROUGH.get(name, DIGITS))
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return str(_round(value, DIGITS))


def _short(curves: dict[str, list]) -> dict[str, list]:
    return {name: curve for name, curve in curves.items() if len(curve) <= LONGEST}


def _round(value, digits: int):
    if isinstance(value, dict):
        return {k: _round(v, digits) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_round(v, digits) for v in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{digits}g}")
    return value


@lru_cache(maxsize=16)
def _read(files: tuple[tuple[str, int], ...]) -> dict[str, dict]:
    tables = [read_results(Path(path)) for path, _ in files]
    return {key: record for table in tables for key, record in table.items()}
