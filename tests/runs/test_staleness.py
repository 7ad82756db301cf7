"""Records of other code or other data are seen."""

import importlib
from types import SimpleNamespace

import pytest

from stflow_lib import runs
from stflow_lib.runs import staleness


def test_changed_data_makes_a_record_stale_and_absent_data_do_not(toy, monkeypatch):
    run = toy.run()
    runs.ensure(run)
    monkeypatch.setattr(staleness, "city_hash", lambda name: "d1")
    assert runs.state(run) == "stale"
    monkeypatch.setattr(staleness, "city_hash", lambda name: None)
    assert runs.state(run) == "done"


def test_task_and_score_count_as_code_and_must_not_live_in_the_wings_init(
    toy, wing, monkeypatch
):
    assert len(staleness.current_source(toy.run())) == 64
    monkeypatch.setattr(wing.score, "__module__", "stflow_lib.toy")
    with pytest.raises(runs.RunError, match="stflow_lib.toy.score"):
        staleness.current_source(toy.run())


def test_a_simulated_city_is_made_once_for_its_hash(tmp_path, monkeypatch):
    """Every page would simulate each of its cities once more, only to find its records fresh."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path))
    opened = []

    def load(name):
        opened.append(name)
        return SimpleNamespace(attrs={"sha256": "a" * 64})

    index = importlib.import_module("stflow_lib.data.catalog.index")
    monkeypatch.setattr(index, "load", load)
    for _ in "ab":  # as in two processes
        staleness.city_hash.cache_clear()
        assert staleness.city_hash("sim-speed-a") == "a" * 64
    staleness.city_hash.cache_clear()
    assert opened == ["sim-speed-a"]
