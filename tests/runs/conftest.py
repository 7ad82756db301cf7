"""A toy wing, a store of its own, and what was really trained, for every test of the runs."""

import importlib.util
import sys
from pathlib import Path

import pytest

from stflow_lib.runs import staleness

TOY = Path(__file__).with_name("toy_wing.py")
spec = importlib.util.spec_from_file_location("toy_wing", TOY)
sys.modules["toy_wing"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["toy_wing"])


@pytest.fixture
def wing(tmp_path, monkeypatch):
    """The package `stflow_lib.toy`, with an empty store and empty results."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("STFLOW_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("STFLOW_TOY_LOG", str(tmp_path / "log"))
    return sys.modules["toy_wing"].register()


@pytest.fixture
def toy(wing):
    """The module with the toy's functions; `toy.run(...)` names a run."""
    return sys.modules["toy_wing"]


@pytest.fixture
def trained(wing, tmp_path):
    """A function that lists the epochs computed so far, by this process or another."""
    log = tmp_path / "log"
    return lambda: log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def change_code(monkeypatch):
    """A function: from now on the code of this run's method has the hash "other"."""

    def change(run):
        real = staleness.current_source
        for module in ("staleness", "execute"):
            monkeypatch.setattr(
                f"stflow_lib.runs.{module}.current_source",
                lambda r: "other" if r.method == run.method else real(r),
            )

    return change
