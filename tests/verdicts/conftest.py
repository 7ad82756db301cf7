"""The toy wing with claims of its own, and functions that write its plans and records."""

import importlib.util
import sys
from pathlib import Path

import pytest

from stflow_lib import runs
from stflow_lib.runs import profiles, store
from stflow_lib.verdicts import claims, judge

TOY = Path(__file__).parents[1] / "runs" / "toy_wing.py"
spec = importlib.util.spec_from_file_location("toy_wing", TOY)
sys.modules["toy_wing"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["toy_wing"])


@pytest.fixture
def toy():
    """The module with the toy's functions; `toy.run(...)` names a run."""
    return sys.modules["toy_wing"]


@pytest.fixture
def book(toy, tmp_path, monkeypatch):
    """A function that writes the toy's claims; its wing has no records and no planned runs."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    judge._at_hand.cache_clear()
    for module in (claims, judge):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setitem(claims.PAPERS, "toy", "toy")
    monkeypatch.setattr(profiles, "wings", lambda: ["toy"])
    toy.register().TABLES = {"table1": lambda profile: []}
    head = ",".join(claims._COLUMNS)
    return lambda *rows: (tmp_path / "toy.csv").write_text("\n".join([head, *rows, ""]))


@pytest.fixture
def put(toy):
    """A function that stores records of a method, one per value, seeds 0, 1, ..."""

    def store_seeds(
        method, values, city="toytown", scarcity="100", profile="lab", epochs=5, **more
    ):
        for seed, value in enumerate(values):
            run = toy.run(method, city, scarcity, profile, seed)
            found = {"metric_rmse": value, "epochs": epochs, "converged": True, **more}
            record = runs.ensure(run) | found
            store.write(run, {name: v for name, v in record.items() if v is not None})

    return store_seeds


@pytest.fixture
def store_values():
    """A function that stores one value for each run of a row."""

    def store_row(row, values):
        for run, value in zip(row, values, strict=True):
            store.write(
                run, runs.ensure(run) | {"metric_rmse": value, "epochs": 5, "converged": True}
            )

    return store_row


class Rows(dict):
    """A table of the toy with named rows, at every profile alike."""

    def __call__(self, profile):
        return [run for runs in self.values() for run in runs if run.profile == profile]

    def rows(self, profile):
        return {k: [run for run in v if run.profile == profile] for k, v in self.items()}


@pytest.fixture
def plan():
    """A function that gives the toy these tables instead of its own."""

    def plan_tables(**tables):
        wing = sys.modules["stflow_lib.toy"]
        wing.TABLES = {name: Rows(rows) for name, rows in tables.items()}

    return plan_tables
