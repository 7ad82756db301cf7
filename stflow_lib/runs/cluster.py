"""Runs computed by the workers of a dask.distributed cluster, on this machine or on others.

A worker computes in a store of its own (its STFLOW_RUNS) and sends the record back; the caller
checks it and writes it into its own store. Where both are one folder, checkpoints and shared
stages serve every worker, and the store's locks keep a run from being computed twice.
"""

import asyncio
import logging
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dask
import torch
from distributed import Client, Future, LocalCluster, as_completed

from stflow_lib.data.errors import DataError
from stflow_lib.runs import store
from stflow_lib.runs.execute import compute
from stflow_lib.runs.record import checked
from stflow_lib.runs.run import Run, RunError
from stflow_lib.runs.staleness import current_source, is_stale

LOOPBACK = "127.0.0.1"
PAGE = "/info/main/workers.html"  # of the scheduler; its other pages need bokeh
ONE_RUN = threading.Lock()  # seeds and threads belong to a process, not to a task
PATIENCE = 10.0  # seconds that a scheduler may take to answer at first
IN_A_WORKER = """
import os, signal
def dask_setup(worker):  # a terminal sends its Ctrl-C to every process; the caller's ends them
    signal.signal(signal.SIGINT, signal.SIG_IGN)
def dask_teardown(worker):  # in the middle of a run too
    os._exit(0)
"""


@dataclass(frozen=True)
class Answer:
    """What a worker says of a run: its record, or why there is none; neither: another has it."""

    record: dict | None = None
    failure: str = ""


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """A cluster of `workers` processes on this machine, reached by loopback only.

    Its processes end with the block, whatever ends it, and with this process. Each has one
    thread and no limit of memory: one that is stopped in the middle would keep its locks.
    """
    with (
        _silent(),
        tempfile.TemporaryDirectory(prefix="stflow-workers-") as place,
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            local_directory=place,
            preload=[*dask.config.get("distributed.worker.preload"), IN_A_WORKER],
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _silent() -> Iterator[None]:
    """Without the words of dask's own log, to the end: closing, it tells of closed connections."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """The workers of a scheduler that is running; OSError or ValueError where none answers."""
    with Client(address, timeout=PATIENCE) as client:
        yield client


def dashboard(client: Client) -> str:
    """The address of the scheduler's page."""
    return client.dashboard_link.removesuffix("/status") + PAGE


def workers(client: Client) -> int:
    """How many workers there are now."""
    return len(client.scheduler_info(n_workers=-1)["workers"])


def compute_missing(
    client: Client, runs: Iterable[Run], done: Callable[[Run, dict], None] = lambda *_: None
) -> None:
    """As `execute.compute_missing`, by the cluster's workers, earlier runs first.

    A run whose worker is killed goes to another one; the checkpoints are where it was.
    """
    failures: list[str] = []
    for run, answer in _answers(client, list(runs)):
        try:
            done(run, _kept(run, answer))
        except RunError as error:
            failures.append(str(error))
    if failures:
        raise RunError("\n".join(failures))


def _answers(
    client: Client, runs: list[Run], wait: bool = False
) -> Iterator[tuple[Run, Answer]]:
    """Each run with its answer, as they come; those that another process holds come last."""
    asked = {_ask(client, run, wait, -place): run for place, run in enumerate(runs)}
    busy = []
    for future in as_completed(list(asked)):
        run = asked.pop(future)
        if (answer := _answer(run, future)) == Answer():
            busy.append(run)
        else:
            yield run, answer
    if busy:
        yield from _answers(client, busy, wait=True)


def _ask(client: Client, run: Run, wait: bool, priority: int) -> Future:
    """The worker's answer to come; callers of one scheduler who ask the same get one answer."""
    key = f"stflow-{run.key}-{current_source(run)}-{wait}"
    return client.submit(_work, run, wait, key=key, priority=priority, pure=False)


def _work(run: Run, wait: bool) -> Answer:
    """What a worker does: the run on one thread, in the worker's own store."""
    with ONE_RUN:
        torch.set_num_threads(1)
        try:
            return Answer(compute(run, wait))
        except store.Locked:
            return Answer()
        except RunError as error:
            return Answer(failure=str(error))


def _answer(run: Run, future: Future) -> Answer:
    """What the worker said; that it cannot say anything is a failure of the run."""
    try:
        return future.result()
    except (Exception, asyncio.CancelledError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Answer(failure=f"{run}: {reason}")


def _kept(run: Run, answer: Answer) -> dict:
    """The record, checked and in the caller's store; RunError where it cannot be kept."""
    if answer.record is None:
        raise RunError(answer.failure)
    try:
        record = checked({k: v for k, v in answer.record.items() if k != "stale"}, str(run))
        if is_stale(run, record):
            raise RunError(f"{run}: computed by a worker that has other code or data")
        store.write(run, record)
    except (DataError, OSError) as error:
        raise RunError(f"{run}: {error}") from error
    return {**record, "stale": False}
