"""Fresh records are kept, stale ones are seen, failures are named and cost no other run."""

import os

import numpy as np
import pytest

from stflow_lib import runs
from stflow_lib.runs import store


def test_a_finished_run_is_not_trained_again(trained, toy):
    first = runs.ensure(toy.run())
    assert trained() == [f"epoch {e} of toytown seed 0" for e in range(3)]
    assert runs.ensure(toy.run()) == first and len(trained()) == 3


def test_record_holds_run_scores_costs_and_surroundings(toy):
    record = runs.ensure(toy.run(seed=4, offset=1.0))
    assert record["settings"] == {"offset": 1.0} and record["seed"] == 4
    assert record["metric_rmse"] == 1.0 + np.mean(record["curves"]["loss"])
    assert record["part_north_rmse"] == 1.5
    assert record["parameters"] == 7 and record["data_hash"] == "d0"
    for name in ("fit_seconds", "predict_seconds", "peak_memory_mb"):
        assert record[name] > 0
    for name in ("device", "torch", "python", "date", "source_hash", "lock_hash"):
        assert isinstance(record[name], str)


@pytest.mark.parametrize(
    "method, words", [("BROKEN", "no taxis"), ("NAN", "metric_rmse is nan")]
)
def test_a_failing_run_is_named_and_leaves_no_record(toy, method, words):
    """A NaN score stored as a number would be averaged into a table."""
    run = toy.run(method)
    with pytest.raises(runs.RunError) as error:
        runs.ensure(run)
    assert str(run) in str(error.value) and words in str(error.value)
    assert runs.state(run) == "missing"
    assert "Traceback" in (store.folder_of(run) / "error.txt").read_text()


def test_one_failure_loses_no_other_run(toy):
    wanted = [toy.run(seed=0), toy.run("BROKEN"), toy.run("NAN"), toy.run(seed=1)]
    with pytest.raises(runs.RunError) as error:
        runs.compute_missing(wanted)
    assert [runs.state(run) for run in wanted] == ["done", "missing", "missing", "done"]
    assert "BROKEN" in str(error.value) and "NAN" in str(error.value)


def test_complete_counts_each_run_once_and_trains_on_demand(toy):
    """A page that may not train must say how much it lacks, and leave it so."""
    wanted = [toy.run(seed=0), toy.run(seed=1), toy.run(seed=0)]
    runs.ensure(wanted[1])
    assert runs.ensure_all(wanted, train=False) == (2, 1)
    assert runs.state(wanted[0]) == "missing"
    assert runs.ensure_all(wanted) == (2, 1) and runs.ensure_all(wanted) == (2, 0)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_record_is_replaced_whole(toy, monkeypatch, step):
    """A crash while writing, or just before the rename, must leave the record that was there."""

    def crash(*_):
        raise OSError("disk full")

    runs.ensure(toy.run())
    old = store.read(toy.run())
    monkeypatch.setattr(os, step, crash)
    with pytest.raises(OSError, match="disk full"):
        store.write(toy.run(), old | {"metric_rmse": 2.0})
    assert store.read(toy.run()) == old and store.read_all("toy") == [old]


def test_a_damaged_record_is_computed_anew(toy):
    run = toy.run()
    good = runs.ensure(run)["metric_rmse"]
    path = store.record_file(run)
    path.write_text('{"metric_rmse": 9')
    with pytest.warns(UserWarning, match=f"{path}: not readable as JSON"):
        assert runs.state(run) == "missing" and runs.ensure(run)["metric_rmse"] == good
    assert path.with_name(path.name + ".damaged").read_text() == '{"metric_rmse": 9'


def test_predictor_comes_from_the_finished_checkpoint(trained, toy):
    record = runs.ensure(toy.run())
    assert runs.predictor(toy.run()).value == record["metric_rmse"]
    assert len(trained()) == 3


def test_changed_code_makes_a_stored_run_train_from_the_start(change_code, trained, toy):
    """Resuming from the old code's checkpoint would store old weights under the new hash."""
    run = toy.run()
    runs.ensure(run)
    change_code(run)
    assert runs.state(run) == "stale"
    record = runs.ensure(run)
    assert len(trained()) == 6
    assert record["source_hash"] == "other" and not record["resumed"]
    assert runs.state(run) == "done"


def test_stale_published_record_is_returned_and_marked(
    change_code, trained, toy, tmp_path, monkeypatch
):
    """A page built on a laptop must not train a GPU's table because a line has changed."""
    run = toy.run()
    value = runs.ensure(run)["metric_rmse"]
    runs.publish("toy")
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "elsewhere"))
    assert runs.ensure(run)["stale"] is False
    change_code(run)
    record = runs.ensure(run)
    assert record["stale"] is True and record["metric_rmse"] == value
    assert len(trained()) == 3
    assert runs.compute(run)["source_hash"] == "other" and runs.state(run) == "done"
