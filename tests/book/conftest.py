"""Runs with records made by hand, for pages that lay them out."""

from importlib import import_module

import pytest

from stflow_lib.runs import Run, execute

TABLE = import_module("stflow_lib.runs.table")  # the package has a function of that name


@pytest.fixture
def recorded(monkeypatch):
    """Makes a run whose record, found like a stored one, has the errors given; None: none."""
    records = {}
    monkeypatch.setattr(TABLE, "find", lambda run: records.get(run.key))
    monkeypatch.setattr(execute, "find", lambda run: records.get(run.key))

    def make(method, city, errors, seed=0, scarcity="3", epochs=1, curves=None, notes=None):
        run = Run("gridflow", method, city, "P60", scarcity, "lab", seed)
        found = {name if "_" in name else f"metric_{name}": value
                 for name, value in (errors or {}).items()}  # fmt: skip
        if errors is not None:
            place = {"method": method, "city": city, "scarcity": scarcity, "seed": seed}
            records[run.key] = place | found | {
                "key": run.key, "epochs": epochs, "curves": curves or {}, "notes": notes or {},
                "stale": False, "profile": "lab", "device": "cpu", "source_hash": "abc",
                "date": "2026-11-21",
            }  # fmt: skip
        return run

    return make
