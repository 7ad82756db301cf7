"""Killed and competing processes: the store ends as if nothing had happened."""

import json
import multiprocessing
import threading
import time

import pytest

from stflow_lib import runs
from stflow_lib.runs import store


@pytest.fixture
def start(toy):
    """start(pause, count): a process, forked from this one, that fills the store with slow runs."""

    def begin(pause, count):
        wanted = [toy.run(seed=s, pause=pause) for s in range(count)]
        process = multiprocessing.get_context("fork").Process(
            target=runs.compute_missing, args=(wanted,)
        )
        process.start()
        return process

    return begin


def ended(process) -> int:
    """The exit status."""
    process.join(120)
    return process.exitcode


def records():
    kept = [{k: r[k] for k in ("key", "metric_rmse", "curves")} for r in store.read_all("toy")]
    return json.dumps(kept, sort_keys=True)


def wait_for(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited a minute for nothing")


def test_a_killed_fill_goes_on_where_it_was_and_ends_with_the_same_records(
    start, trained, toy, tmp_path, monkeypatch
):
    """kill -9 in the middle of the second run: its finished epochs are not trained again."""
    process = start(0.2, 3)
    wait_for(lambda: len(trained()) >= 5)
    process.kill()
    process.join()
    assert len(store.read_all("toy")) == 1 and len(trained()) < 9
    assert ended(start(0.2, 3)) == 0
    killed, epochs = records(), trained()
    assert len(set(epochs)) == 9 and len(epochs) <= 10
    assert [r["resumed"] for r in map(store.read, [toy.run(seed=1, pause=0.2)])] == [True]
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path / "uninterrupted"))
    assert ended(start(0.2, 3)) == 0
    assert records() == killed


def test_two_processes_share_the_work(start, trained):
    """Each run is trained once, whoever gets it; both end only when all is done."""
    both = [start(0.05, 4), start(0.05, 4)]
    assert [ended(process) for process in both] == [0, 0]
    assert len(store.read_all("toy")) == 4
    assert sorted(trained()) == sorted(
        f"epoch {e} of toytown seed {s}" for e in range(3) for s in range(4)
    )


def test_a_held_run_is_busy_and_its_lock_falls_with_its_holder(toy):
    run, entered, leave = toy.run(), threading.Event(), threading.Event()

    def hold():
        with store.locked(run):
            entered.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    try:
        with pytest.raises(store.Locked):
            runs.compute(run, wait=False)
    finally:
        leave.set()
        thread.join()
    assert runs.compute(run, wait=False)["metric_rmse"] > 0
