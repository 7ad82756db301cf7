"""What the papers printed and what they claim: the rows of book/claims."""

import pandas as pd

from stflow_lib import ROOT
from stflow_lib.data.errors import DataError
from stflow_lib.verdicts.datasets import AVERAGES, ORIGINALS

FOLDER = ROOT / "book" / "claims"
PAPERS = {"finegrained": "urbanstc", "gridflow": "stbat", "speedgraph": "tsjt"}
TITLES = {"urbanstc": "UrbanSTC", "stbat": "STBaT", "tsjt": "TSJT"}
UNSTATED = "not stated"  # dataset of a number of which the paper does not say where it arose
DATASETS = ORIGINALS | {name: name.lower() for name in AVERAGES} | {UNSTATED: ""}  # its city
SCENARIOS = {"few-shot": "3", "zero-shot": "0"}  # STBaT's words for days of target data
SECOND = "second best"  # as `other` of a gain: the best of the rest

_COLUMNS = [
    "id", "paper", "source", "kind", "statement", "dataset", "fraction",
    "method", "other", "metric", "value", "tolerance",
]  # fmt: skip


def reported(paper: str, table: str | None = None) -> pd.DataFrame:
    """Every printed number of a paper, or of one of its tables; amounts of data as text."""
    frame = pd.read_csv(FOLDER / f"reported_{paper}.csv", dtype=str, keep_default_na=False)
    frame["value"] = pd.to_numeric(frame["value"])
    if {"task", "scenario"} <= set(frame):  # names of its own for dataset and amount of data
        pair = (frame["source"] + ">" + frame["target"]).str.strip(">")
        frame["dataset"] = (frame["task"] + " " + pair).str.strip()
        frame["fraction"] = frame["scenario"].map(SCENARIOS).fillna("")
        frame["metric"] = frame["metric"].str.lower()
    return frame if table is None else frame[frame["table"] == table]


def claims(paper: str) -> pd.DataFrame:
    """The claims of a paper, none while nobody has written them; DataError names a bad row."""
    path = FOLDER / f"{paper}.csv"
    if not path.exists():
        return pd.DataFrame(columns=_COLUMNS)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(frame.columns) != _COLUMNS:
        raise DataError(f"{path.name}: columns {list(frame.columns)}, want {_COLUMNS}")
    for row in frame.itertuples():
        _check(row, f"{path.name}, line {row.Index + 2}, {row.id}")
    if frame["id"].duplicated().any():
        raise DataError(
            f"{path.name}: id {frame['id'][frame['id'].duplicated()].iloc[0]} twice"
        )
    for name in ("value", "tolerance"):
        frame[name] = pd.to_numeric(frame[name])
    return frame


def _check(row, where: str) -> None:
    if row.kind not in ("number", "gain", "order", "trend"):
        raise DataError(f"{where}: kind '{row.kind}'")
    original = row.kind in ("number", "gain")
    if original and row.dataset not in DATASETS:
        raise DataError(f"{where}: dataset '{row.dataset}' is not the paper's: {[*DATASETS]}")
    if not original and row.dataset != "any":
        raise DataError(f"{where}: an {row.kind} is judged on any city, not '{row.dataset}'")
    for name in ("value", "tolerance"):
        if original != bool(getattr(row, name)):
            raise DataError(f"{where}: {name} '{getattr(row, name)}' with kind {row.kind}")
