"""What else is read with rules: lists of files, records, claims and profiles."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from unittest.mock import patch

import xarray as xr
from mutations import text
from mutations.formats import Format

from stflow_lib.data.errors import DataError
from stflow_lib.data.files import download
from stflow_lib.runs import profiles, record, store
from stflow_lib.runs.publish import _text as as_published
from stflow_lib.runs.run import Run
from stflow_lib.verdicts import claims

RUN = Run("gridflow", "ARIMA", "sim-grid-a", "P90", "3", "lab", 7)
RESULTS = "gridflow/sim-grid-a.csv"
MEASURED = {
    "metric_rmse": 2.5, "metric_mae": 1.25, "parameters": 12, "epochs": 3, "threads": 1,
    "seconds_per_epoch": 0.5, "fit_seconds": 1.5, "predict_seconds": 0.25, "resumed": False,
    "peak_memory_mb": 480.5, "date": "2026-11-21T19:23:29+00:00", "device": "a laptop",
    "torch": "2.13.0", "python": "3.11.7", "source_hash": "f1b0c2", "data_hash": "9a7e11",
    "lock_hash": "77aa01", "notes": {}, "curves": {"train": [3.5, 2.75]},
}  # fmt: skip
PROFILE = """notebooks:
  gridflow/01_first:
    smoke: {minutes: 1, parameters: {SEED: 0}}
    lab: {minutes: 5, parameters: {SEED: 1}}
    paper: {minutes: 60, parameters: {SEED: 1}}
tables:
  gridflow:
    smoke: {cities: [sim-grid-a], seeds: [0], fractions: [3], methods: {ARIMA: {}}}
    lab: {cities: [sim-grid-a, sim-grid-b], seeds: [0, 1], fractions: [3], methods: {ARIMA: {}}}
"""


def content(read: Callable[[Path], object]) -> Callable[[Path], xr.Dataset]:
    """What `read` returns, as an empty city of its hash; a warning is an error said politely."""

    def reader(folder: Path) -> xr.Dataset:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = read(folder)
        if said:
            raise DataError(str(said[0].message))
        return xr.Dataset(attrs={"sha256": hashlib.sha256(repr(found).encode()).hexdigest()})

    return reader


def write_manifest(folder: Path) -> None:
    """The list of three files of a set."""
    rows = [[field.name for field in fields(download.RawFile)]]
    for i, n in enumerate("xyz"):
        rows.append(["owner/name", "ab12", f"data/{n}.csv", f"{100 + i}", f"git:{i:040x}",
                     f"set/{n}.csv"])  # fmt: skip
    (folder / "manifests").mkdir()
    lines = "".join("\t".join(row) + "\n" for row in rows)
    (folder / "manifests" / "set.tsv").write_text(lines)


def read_manifest(folder: Path) -> object:
    """All its files."""
    with patch.object(download, "files", lambda package: folder):
        return download.manifest.__wrapped__("set")


def one_record(run: Run) -> dict:
    """A record as `execute` makes it."""
    names = {name: getattr(run, name) for name in record.RUN_FIELDS}
    return {**names, "key": run.key, **MEASURED}


def write_results(folder: Path) -> None:
    """Three published records."""
    runs = (Run(*list(asdict(RUN).values())[:6], seed) for seed in range(3))
    (folder / "gridflow").mkdir()
    (folder / RESULTS).write_text(as_published([*map(one_record, runs)]))


def read_stored(folder: Path) -> object:
    """The record in a store."""
    with patch.dict("os.environ", {"STFLOW_RUNS": str(folder)}):
        return store.read_all("gridflow")


def write_stored(folder: Path) -> None:
    """One record in a store."""
    with patch.dict("os.environ", {"STFLOW_RUNS": str(folder)}):
        store.write(RUN, one_record(RUN))


def write_claims(folder: Path) -> None:
    """Three claims of a paper, and the numbers that it printed."""
    printed, claimed = (
        ["table,dataset,fraction,method,metric,value"],
        [",".join(claims._COLUMNS)],
    )
    for metric, value in (("rmse", 20.918), ("mae", 12.019), ("mape", 4.469)):
        printed.append(f"3,TaxiBJ-P1,100,MEAN,{metric},{value}")
        claimed.append(f"table3.MEAN.100.{metric},urbanstc,Table 3,number,MEAN reaches {value} "
                       f"on TaxiBJ-P1,TaxiBJ-P1,100,MEAN,,{metric},{value},0.001")  # fmt: skip
    (folder / "reported_urbanstc.csv").write_text("\n".join([*printed, ""]))
    (folder / "urbanstc.csv").write_text("\n".join([*claimed, ""]))


NAMES = cache(claims.Known.of)  # that a claim may use: no change concerns them


def read_claims(folder: Path) -> object:
    """Every cell of the claims."""
    with patch.object(claims, "FOLDER", folder), patch.object(claims.Known, "of", NAMES):
        return claims.claims("urbanstc").to_dict("records")


def words(name: str, old: str, new: str) -> Callable:
    """Other words in place of the first `old`."""

    def change(path: Path, rng) -> None:
        before = path.read_text()
        if old not in before:
            raise LookupError(f"{name}: no {old!r}")
        path.write_text(before.replace(old, new, 1))

    change.__name__ = name
    return change


WORDS = [
    words("no_number", "12", "twelve"), words("negative", "12", "-12"), words("nan", "2.5", "NaN"),
    words("infinite", "2.5", "1e999"), words("other_seed", '"seed": 7', '"seed": 8'),
    words("name_twice", '"epochs"', '"parameters"'), words("other_wing", "gridflow", "gridflows"),
    words("other_method", '"ARIMA"', '"ARMA"'), words("not_closed", "}", ""),
    words("list_for_mapping", "{}", "[]"), words("other_profile", "smoke", "smok"),
    words("key_twice", "lab", "smoke"), words("key_missing", "minutes: 1, ", ""),
    words("minutes_as_text", "minutes: 1", "minutes: one"), words("tag", "[0]", "!!python/none 0"),
    words("anchor_to_itself", "{ARIMA: {}}", "&a [*a]"), words("tab", "    lab", "\tlab"),
]  # fmt: skip
STORED = f"gridflow/{RUN.key}.json"
DOCUMENTS = [
    Format("manifest", write_manifest, content(read_manifest), ("manifests/set.tsv",), text.LINES),
    Format("results", write_results, content(lambda f: record.read_results(f / RESULTS)),
           (RESULTS,), text.LINES),
    Format("store", write_stored, content(read_stored), (STORED,)),
    Format("claims", write_claims, content(read_claims), ("urbanstc.csv",), text.LINES),
    Format("profiles", lambda f: (f / "profiles.yaml").write_text(PROFILE),
           content(lambda f: profiles.read.__wrapped__(f / "profiles.yaml")), ("profiles.yaml",)),
]  # fmt: skip
