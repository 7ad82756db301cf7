"""Real workers in processes of their own: records travel back, and a death costs one run."""

import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import dask
import psutil
import pytest

from stflow_lib import runs
from stflow_lib.__main__ import main
from stflow_lib.runs import cluster, profiles, store

TOY = Path(__file__).with_name("toy_cluster.py")
spec = importlib.util.spec_from_file_location("toy_cluster", TOY)
toy_cluster = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toy_cluster)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A cluster of two workers with a store and a log of their own: client, runs, log."""
    place = tmp_path_factory.mktemp("workers")
    own = {"STFLOW_RUNS": str(place / "runs"), "STFLOW_TOY_LOG": str(place / "log")}
    preload = f"{toy_cluster.PRELOAD}import os\nos.environ |= {own}\n"  # after a restart too
    with (
        dask.config.set({"distributed.worker.preload": [preload]}),
        cluster.local(2) as client,
    ):
        client.wait_for_workers(2)
        yield SimpleNamespace(client=client, runs=place / "runs", log=place / "log")


def epochs(log):
    """How often each epoch was computed."""
    return Counter(log.read_text().splitlines() if log.exists() else [])


def wait_for(line, log, seconds=60):
    end = time.monotonic() + seconds
    while not epochs(log)[line]:
        assert time.monotonic() < end, f"no '{line}' in {log}"
        time.sleep(0.02)


def states(wanted):
    return [runs.state(run) for run in wanted]


def test_records_travel_back_to_a_caller_whose_disk_no_worker_sees(two, toy):
    wanted = [toy.run(city="far", seed=s) for s in range(3)]
    got = {}
    cluster.compute_missing(two.client, wanted, lambda run, record: got.update({run: record}))
    assert states(wanted) == ["done"] * 3 and set(got) == set(wanted)
    for run in wanted:
        assert got[run] == {**store.read(run), "stale": False} and got[run]["threads"] == 1
        assert not store.folder_of(run).exists()  # trained elsewhere
        assert (two.runs / "toy" / run.key / "checkpoints" / "state.json").exists()
    assert got[wanted[1]]["metric_rmse"] == runs.predictor(wanted[1]).value


def test_a_killed_worker_costs_the_time_of_its_run_alone(two, toy):
    """What it had computed it takes up again where its checkpoints are."""
    hit, other = toy.run(city="hit", pause=1.0), toy.run(city="spared", pause=1.0)
    pids = two.client.run(os.getpid)

    def kill():
        wait_for("epoch 1 of hit seed 0", two.log)
        (address,) = [a for a, keys in two.client.processing().items() if hit.key in str(keys)]
        os.kill(pids[address], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    cluster.compute_missing(two.client, [hit, other])
    killer.join()
    assert states([hit, other]) == ["done", "done"]
    assert store.read(hit)["resumed"] and not store.read(other)["resumed"]
    found = {
        line: n for line, n in epochs(two.log).items() if "hit" in line or "spared" in line
    }
    assert found == {
        f"epoch {e} of {city} seed 0": 1 + (city == "hit" and e == 1)
        for city in ("hit", "spared")
        for e in range(3)
    }


def test_a_run_that_raises_is_named_and_loses_no_other(two, toy):
    wanted = [toy.run("BROKEN"), toy.run(city="sound"), toy.run("NAN")]
    with pytest.raises(runs.RunError) as error:
        cluster.compute_missing(two.client, wanted)
    first, second = sorted(str(error.value).splitlines())
    assert first.startswith(str(wanted[0])) and "no taxis" in first
    assert second.startswith(str(wanted[2])) and "metric_rmse is nan" in second
    assert states(wanted) == ["missing", "done", "missing"]


def test_what_a_worker_with_other_code_has_computed_is_refused(two, toy, change_code):
    """Its numbers would be stored under the hash of code that has never run."""
    run = toy.run(city="elsewhere")
    change_code(run)
    with pytest.raises(runs.RunError, match="other code or data") as error:
        cluster.compute_missing(two.client, [run])
    assert str(run) in str(error.value) and store.read(run) is None


@pytest.mark.parametrize("name, value", [("fit_seconds", "long"), ("source_hash", None)])
def test_an_answer_that_is_no_record_is_refused(toy, name, value):
    record = runs.compute(toy.run()) | {name: value}
    store.record_file(toy.run()).unlink()
    with pytest.raises(runs.RunError, match=f"{name} {value!r} is no") as error:
        cluster._kept(toy.run(), cluster.Answer(record))
    assert str(error.value).startswith(str(toy.run())) and store.read(toy.run()) is None


def test_what_another_process_holds_is_waited_for_last(two, toy, monkeypatch):
    """With a lock to wait for in each worker nothing else would ever be computed."""
    held = [toy.run(city="held", seed=s) for s in range(2)]
    free = [toy.run(city="free", seed=s) for s in range(3)]
    came, locks = [], ExitStack()
    with monkeypatch.context() as patch:
        patch.setenv("STFLOW_RUNS", str(two.runs))
        for run in held:
            locks.enter_context(store.locked(run))
    too_late = threading.Timer(60, locks.close)
    too_late.start()

    def done(run, record):
        came.append(run)
        if len(came) == len(free):
            locks.close()
            too_late.cancel()

    cluster.compute_missing(two.client, [*held, *free], done)
    assert set(came[:3]) == set(free) and set(came[3:]) == set(held)


def test_a_stage_that_runs_share_is_computed_once(two, toy):
    wanted = [toy.run("SHARED", seed=s, pause=0.5) for s in range(4)]
    cluster.compute_missing(two.client, wanted)
    assert [store.read(run)["metric_rmse"] for run in wanted] == [1.0, 2.0, 3.0, 4.0]
    assert epochs(two.log)["the shared stage"] == 1


def test_nothing_of_a_local_cluster_listens_beyond_loopback(two):
    """Who reaches a scheduler runs code as its user."""
    me = psutil.Process()
    ports = [
        connection.laddr.ip
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(ports) > 3 and set(ports) == {"127.0.0.1"}
    assert set(two.client.nthreads().values()) == {1}


def test_the_command_computes_on_a_scheduler_that_runs(two, toy, capsys, monkeypatch):
    monkeypatch.setattr(profiles, "wings", lambda: ["toy"])
    address = two.client.scheduler.address
    argv = ["run", "--table", "toy.table1", "--only", "NOISE", "--scheduler", address]
    assert main(argv) == 0
    out = capsys.readouterr().out
    link = out.partition("2 workers, shown on ")[2].split()[0]
    assert link.startswith("http://127.0.0.1:") and urlopen(link).status == 200
    assert "NOISE on toytown" in out and "0 s left" in out
    assert states([toy.run(seed=0), toy.run(seed=1)]) == ["done", "done"]


def test_a_scheduler_that_does_not_answer_is_one_line(toy, capsys, monkeypatch):
    monkeypatch.setattr(profiles, "wings", lambda: ["toy"])
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    argv = ["run", "--table", "toy.table1", "--scheduler", "tcp://127.0.0.1:1"]
    assert main(argv) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("stflow_lib: ") and "127.0.0.1:1" in line


@pytest.fixture
def command(wing, root, tmp_path):
    """command(*arguments): the command line in a process and session of its own."""
    paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    more = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    started = []

    def start(*arguments):
        started.append(
            subprocess.Popen(
                [sys.executable, str(TOY), *arguments],
                env=os.environ | more,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def of_session(pid):
    """Processes of a session that are alive."""
    return [p.pid for p in psutil.process_iter() if _session(p.pid) == pid]


def _session(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return None


def test_two_callers_fill_one_store_and_compute_each_run_once(command, toy, tmp_path):
    both = [command("run", "--table", "toy.slow", "--workers", "1") for _ in range(2)]
    outs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    assert states(toy.slow("lab")) == ["done"] * 4
    assert set(epochs(tmp_path / "log").values()) == {1}
    assert len(epochs(tmp_path / "log")) == 12


@pytest.mark.parametrize("to_all", [True, False])
def test_an_interrupt_ends_the_cluster_and_its_processes(command, tmp_path, to_all):
    """A terminal sends Ctrl-C to workers too; a service manager only to the caller."""
    process = command("run", "--table", "toy.slow", "--workers", "1")
    wait_for("epoch 0 of toytown seed 0", tmp_path / "log")
    os.killpg(process.pid, signal.SIGINT) if to_all else process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == 130 and "Traceback" not in out, out
    assert "the same command goes on from here" in out
    end = time.monotonic() + 10  # Python's own tracker of resources goes a moment later
    while of_session(process.pid) and time.monotonic() < end:
        time.sleep(0.1)
    assert not of_session(process.pid)


def test_a_cluster_that_closes_says_nothing(monkeypatch):
    """What it logs as it closes its connections would look like a failure of the run."""
    heard, close = [], cluster.LocalCluster.__exit__
    log = logging.getLogger("distributed")

    def spoken(self, *error):
        close(self, *error)
        heard.append(log.isEnabledFor(logging.INFO))

    monkeypatch.setattr(cluster.LocalCluster, "__exit__", spoken)
    before = log.level
    with cluster.local(0):
        pass
    assert heard == [False] and log.level == before
