"""A method from anywhere becomes a row; its code is hashed where it lies."""

import importlib
import sys
from functools import partial

import pytest

from stflow_lib import speedgraph
from stflow_lib.runs import Run, RunError
from stflow_lib.runs.register import SIZES, register_method, registered, sizes_of
from stflow_lib.runs.staleness import current_source
from stflow_lib.speedgraph.baselines.ridge import RidgeSettings
from stflow_lib.speedgraph.baselines.rules import fit_window
from stflow_lib.training.method import Method, NoSettings

CODE = """
from own_numbers import LAST
from stflow_lib.speedgraph.baselines.rules import mean_of_newest
from stflow_lib.training.method import Method, NoSettings


def fit(task, settings, seed, folder):
    return mean_of_newest(task.form, settings, LAST)


METHOD = Method("Newest two", NoSettings, fit, mean_of_newest)
"""


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(speedgraph, "METHODS", dict(speedgraph.METHODS))
    SIZES.clear()
    yield
    SIZES.clear()


def written(folder, monkeypatch, last):
    """The method of a file outside the package, which reads a number from another file."""
    folder.mkdir()
    (folder / "own_numbers.py").write_text(f"LAST = {last}\n")
    (folder / "own_method.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(folder))
    for name in ("own_numbers", "own_method"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module("own_method").METHOD


def test_code_is_hashed_wherever_it_lies(tmp_path, monkeypatch):
    """The same files elsewhere have the same hash; another number in an imported file, another."""
    hashes = []
    for place, last in (("a", 2), ("b", 2), ("c", 3)):
        method = written(tmp_path / place, monkeypatch, last)
        register_method("speedgraph", method, {"lab": {}})
        run = Run("speedgraph", method.name, "la", "P10", "3", "lab", 0)
        hashes.append(current_source(run))
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(len(h) == 64 for h in hashes)


def test_sizes_are_kept_by_profile_and_replaced():
    method = Method("Own ridge", RidgeSettings, speedgraph.METHODS["Ridge"].train)
    register_method("speedgraph", method, {"lab": {"strengths": [1.0]}, "smoke": {}})
    assert sizes_of("speedgraph", "lab") == {"Own ridge": {"strengths": [1.0]}}
    register_method("speedgraph", method, {"paper": {}})
    assert sizes_of("speedgraph", "lab") == {} and registered("speedgraph") == {"Own ridge"}
    assert speedgraph.METHODS["Own ridge"] is method


def test_what_cannot_be_registered_is_named():
    own = Method("Own", RidgeSettings, partial(fit_window, 1))
    taken = Method("Ridge", NoSettings, partial(fit_window, 1))
    with pytest.raises(RunError, match="'Ridge' is a method of the book"):
        register_method("speedgraph", taken, {"lab": {}})
    with pytest.raises(RunError, match=r"Own: sizes \['huge'\], want smoke"):
        register_method("speedgraph", own, {"huge": {}})
    with pytest.raises(RunError, match="Own: sizes none"):
        register_method("speedgraph", own, {})
    with pytest.raises(RunError, match="Own: no setting 'width'"):
        register_method("speedgraph", own, {"lab": {"width": 3}})
    with pytest.raises(RunError, match="no wing 'railways'"):
        register_method("railways", own, {"lab": {}})
    assert "Own" not in speedgraph.METHODS
