"""Fresh records are kept, stale ones are seen, failures are named and cost no other run."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from stflow_lib import runs
from stflow_lib.runs import store
from stflow_lib.runs.publish import results_folder


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
    assert record["stale"] is True
    assert record["metric_rmse"] == pytest.approx(value, rel=1e-5)  # six digits are kept
    assert len(trained()) == 3
    assert runs.compute(run)["source_hash"] == "other" and runs.state(run) == "done"


def test_checkpoints_that_cannot_be_removed_are_an_error(
    change_code, trained, toy, monkeypatch
):
    """The old code's weights were once stored as a fresh record of the new code."""
    run, real = toy.run(), os.unlink
    runs.ensure(run)
    change_code(run)

    def unlink(path, *more, **how):
        if str(path).endswith("state.json"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *more, **how)

    monkeypatch.setattr(os, "unlink", unlink)
    for _ in range(2):  # the stamp may not say otherwise after the first time
        with pytest.raises(runs.RunError, match="not to be removed") as error:
            runs.ensure(run)
        assert str(store.folder_of(run)) in str(error.value) and str(run) in str(error.value)
        assert runs.state(run) == "stale"
    monkeypatch.setattr(os, "unlink", real)
    assert runs.ensure(run)["resumed"] is False and len(trained()) == 6


def test_a_full_disk_costs_the_traceback_and_no_other_run(toy, monkeypatch):
    """Writing error.txt once ended the whole fill."""
    real = Path.write_text

    def full(path, *more, **how):
        if path.name == "error.txt":
            raise OSError(28, "No space left on device", str(path))
        return real(path, *more, **how)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(runs.RunError, match="no taxis.*traceback not kept.*No space left"):
        runs.compute_missing([toy.run("BROKEN"), toy.run()])
    assert runs.state(toy.run()) == "done"


def test_a_store_that_cannot_be_made_is_an_error_of_each_run(toy, tmp_path, monkeypatch):
    """As a bare OSError it named no run and no setting, and ended the fill."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "file"))
    with pytest.raises(runs.RunError) as error:
        runs.compute_missing([toy.run(), toy.run(seed=1)])
    lines = str(error.value).splitlines()
    assert len(lines) == 2 and all("STFLOW_RUNS" in line for line in lines)


@pytest.fixture
def read_only(monkeypatch):
    """A function: from now on the store is a disk that is only read."""

    def refuse(path, *_):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    return lambda: monkeypatch.setattr(store, "open", refuse, raising=False)


def content(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_predictor_of_a_finished_run_needs_no_writable_store(trained, toy, read_only):
    record = runs.ensure(toy.run())
    before = content(store.runs_folder("toy"))
    read_only()
    assert runs.predictor(toy.run()).value == record["metric_rmse"]
    assert len(trained()) == 3 and content(store.runs_folder("toy")) == before


def test_a_read_only_store_is_never_written(change_code, trained, toy, read_only):
    """What is not finished there is fitted beside it, and computing says what is wrong."""
    runs.ensure(toy.run())
    before = content(store.runs_folder("toy"))
    change_code(toy.run())
    read_only()
    assert runs.predictor(toy.run()).value and len(trained()) == 6
    assert runs.predictor(toy.run(seed=1)).value and len(trained()) == 9
    with pytest.raises(runs.RunError, match="Read-only file system"):
        runs.compute(toy.run())
    assert content(store.runs_folder("toy")) == before


@pytest.fixture
def threads():
    """A function that sets the number of threads until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_threads_are_part_of_a_record(toy, threads):
    """1 and 2 threads give other last digits under one key: the record says which."""
    threads(2)
    record = runs.ensure(toy.run())
    assert record["threads"] == 2 and "threads" not in record["device"]
    runs.publish("toy")
    assert runs.published("toy")[toy.run().key]["threads"] == 2


def test_half_a_training_is_not_continued_with_other_threads(trained, toy, threads):
    """Half of its numbers would be those of another machine, and the record would not say so."""
    run = toy.run()
    threads(2)
    runs.ensure(run)
    store.record_file(run).unlink()
    state = store.folder_of(run) / "checkpoints" / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text())[:1]))
    threads(1)
    record = runs.ensure(run)
    assert (record["threads"], record["resumed"], len(trained())) == (1, False, 6)
    threads(2)
    assert runs.predictor(run).value == record["metric_rmse"]  # what is finished stays
    assert len(trained()) == 6


def test_home_stands_for_itself_in_settings(toy, tmp_path, monkeypatch):
    """STFLOW_RUNS="~/runs" once made a folder named ~."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STFLOW_RUNS", "~/runs")
    monkeypatch.setenv("STFLOW_RESULTS", "~/results")
    assert store.runs_folder("toy") == tmp_path / "runs" / "toy"
    assert results_folder("toy") == tmp_path / "results" / "toy"
