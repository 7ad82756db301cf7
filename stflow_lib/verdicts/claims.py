"""What the papers printed and what they claim: the rows of book/claims."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import pandas as pd

from stflow_lib import ROOT
from stflow_lib.data.errors import DataError
from stflow_lib.runs.csv_rows import rows
from stflow_lib.runs.run import Run, wing_of
from stflow_lib.verdicts.datasets import AVERAGES, ORIGINALS

FOLDER = ROOT / "book" / "claims"
PAPERS = {"finegrained": "urbanstc", "gridflow": "stbat", "speedgraph": "tsjt"}
TITLES = {"urbanstc": "UrbanSTC", "stbat": "STBaT", "tsjt": "TSJT"}
UNSTATED = "not stated"  # dataset of a number of which the paper does not say where it arose
DATASETS = ORIGINALS | {name: name.lower() for name in AVERAGES} | {UNSTATED: ""}  # its city
SCENARIOS = {"few-shot": "3", "zero-shot": "0"}  # STBaT's words for days of target data
SECOND = "second best"  # as `other` of a gain: the best of the rest

_AMOUNT = r"\d+(\.\d+)?"
_SIDES = rf"{_AMOUNT}(<{_AMOUNT})?"  # "3<0": three days against none
AMOUNTS = {  # how a kind of claim writes its amount of data
    "number": _AMOUNT, "gain": _AMOUNT, "order": _SIDES, "trend": f"{_SIDES}>{_SIDES}",
}  # fmt: skip

_COLUMNS = [
    "id", "paper", "source", "kind", "statement", "dataset", "fraction",
    "method", "other", "metric", "value", "tolerance",
]  # fmt: skip


def reported(paper: str, table: str | None = None) -> pd.DataFrame:
    """Every printed number of a paper, or of one of its tables; amounts of data as text.

    NaN where the paper's text has none; DataError names a row whose value is no number.
    """
    path = FOLDER / f"reported_{paper}.csv"
    frame = _reported(path, path.stat().st_mtime_ns if path.exists() else 0)
    return frame.copy() if table is None else frame[frame["table"] == table].copy()


@lru_cache(maxsize=8)
def _reported(path: Path, _changed: int) -> pd.DataFrame:
    """All rows of such a file; shared, so never to be changed."""
    frame = _frame(path, _check_printed)
    frame["value"] = pd.to_numeric(frame["value"])
    if {"task", "scenario"} <= set(frame):  # names of its own for dataset and amount of data
        pair = (frame["source"] + ">" + frame["target"]).str.strip(">")
        frame["dataset"] = (frame["task"] + " " + pair).str.strip()
        frame["fraction"] = frame["scenario"].map(SCENARIOS).fillna("")
        frame["metric"] = frame["metric"].str.lower()
    return frame


def claims(paper: str) -> pd.DataFrame:
    """The claims of a paper, none while nobody has written them; DataError names a bad row.

    A row is bad with a word that this kind of claim does not have, a value or tolerance that is
    no number in its range, and a method, row of a table, metric or amount of data that neither
    the wing nor the paper has.
    """
    path = FOLDER / f"{paper}.csv"
    if not path.exists():
        return pd.DataFrame(columns=_COLUMNS)
    known, seen = Known.of(paper), set()

    def check(where: str, row: dict[str, str]) -> None:
        if row["id"] in seen:
            raise DataError(f"{where}: id {row['id']} twice")
        seen.add(row["id"])
        _check(f"{where}, {row['id']}", row, known)

    frame = _frame(path, check, _COLUMNS)
    for name in ("value", "tolerance"):
        frame[name] = pd.to_numeric(frame[name])
    return frame


@dataclass(frozen=True)
class Known:
    """The names that a claim may use."""

    paper: str
    methods: set[str]  # of the wing, and rows of its tables as "table7:reg"
    metrics: set[str]  # that the paper prints and that a wing scores
    amounts: set[str]  # of data, in the paper or in the plans; empty: nobody has said

    @classmethod
    def of(cls, paper: str) -> "Known":
        """What the wing of a paper has and what the paper prints."""
        wing = next(wing for wing, own in PAPERS.items() if own == paper)
        package = wing_of(Run(wing, "", "", "", "", "", 0))
        methods, amounts = set(package.METHODS), set()
        for table, planned in package.TABLES.items():
            for profile in ("lab", "paper"):
                labels = planned.rows(profile) if hasattr(planned, "rows") else {}
                methods |= {f"{table}:{label}" for label in labels}
                amounts |= {run.scarcity for run in planned(profile)}
        return cls(paper, methods, *_printed(paper, amounts))


def _printed(paper: str, amounts: set[str]) -> tuple[set[str], set[str]]:
    """Metrics, and amounts of data beside `amounts`, of the paper's tables."""
    metrics = {"rmse", "mae", "params_m"}
    if not (FOLDER / f"reported_{paper}.csv").exists():
        return metrics, amounts
    frame = reported(paper)
    printed = set(frame["metric"].str.lower())
    if "horizon" in frame:
        ahead = frame["horizon"].str.extract(r"(\d+)min")[0].dropna().unique()
        metrics |= {f"min{minutes}_{metric}" for minutes in ahead for metric in printed}
    return metrics | printed, amounts | set(frame.get("fraction", ())) - {""}


def _frame(path: Path, check: Callable, columns: list[str] | None = None) -> pd.DataFrame:
    """The file as text, each row passed by `check`, with exactly `columns` if there are any."""

    def wrong(names: list[str]) -> str:
        return "" if columns in (None, names) else f"columns {names}, want {columns}"

    found = []
    for where, row in rows(path, wrong):
        check(where.removeprefix(f"{path.parent}/"), row)
        found.append(row)
    return pd.DataFrame(found, columns=columns, dtype=str)


def _check_printed(where: str, row: dict[str, str]) -> None:
    if row["value"] and not _is_number(row["value"]):
        raise DataError(f"{where}: value '{row['value']}' is no number")
    if row.get("scenario") not in (None, "", *SCENARIOS):
        raise DataError(f"{where}: scenario '{row['scenario']}', want one of {[*SCENARIOS]}")


def _check(where: str, row: dict[str, str], known: Known) -> None:
    kind = row["kind"]
    if kind not in AMOUNTS:
        raise DataError(f"{where}: kind '{kind}'")
    for name in ("id", "source", "statement"):
        if not row[name].strip():
            raise DataError(f"{where}: {name} is empty")
    if row["paper"] != known.paper:
        raise DataError(f"{where}: paper '{row['paper']}' in the claims of {known.paper}")
    original = kind in ("number", "gain")
    if original and row["dataset"] not in DATASETS:
        raise DataError(
            f"{where}: dataset '{row['dataset']}' is not the paper's: {[*DATASETS]}"
        )
    if not original and row["dataset"] != "any":
        raise DataError(f"{where}: an {kind} is judged on any city, not '{row['dataset']}'")
    _check_names(where, row, known)
    _check_numbers(where, row, original)


def _check_names(where: str, row: dict[str, str], known: Known) -> None:
    others = {"number": {""}, "gain": known.methods | {SECOND}}.get(row["kind"], known.methods)
    for name, names in (
        ("method", known.methods),
        ("other", others),
        ("metric", known.metrics),
    ):
        if row[name] not in names:
            close = get_close_matches(row[name], names) or sorted(names)
            raise DataError(f"{where}: {name} '{row[name]}' is unknown, there is {close}")
    amounts = re.split("[<>]", row["fraction"])
    if not re.fullmatch(AMOUNTS[row["kind"]], row["fraction"]):
        raise DataError(f"{where}: fraction '{row['fraction']}' with kind {row['kind']}")
    if known.amounts and (strange := [a for a in amounts if a not in known.amounts]):
        words = f"neither printed nor planned, there is {sorted(known.amounts)}"
        raise DataError(f"{where}: fraction '{strange[0]}' is {words}")


def _check_numbers(where: str, row: dict[str, str], original: bool) -> None:
    for name in ("value", "tolerance"):
        if original != bool(row[name]):
            raise DataError(f"{where}: {name} '{row[name]}' with kind {row['kind']}")
        if row[name] and not _is_number(row[name]):
            raise DataError(f"{where}: {name} '{row[name]}' is no number")
    if original and float(row["tolerance"]) < 0:
        raise DataError(f"{where}: tolerance {row['tolerance']} is negative")
    if row["kind"] == "number" and float(row["value"]) < 0:
        raise DataError(f"{where}: value {row['value']} is negative, no error is")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
