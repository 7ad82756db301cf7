"""The store on disk: one JSON file per finished run, one folder of checkpoints beside it."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stflow_lib import ROOT
from stflow_lib.data.files.write import write_atomic
from stflow_lib.runs.run import Run


class Locked(Exception):
    """Another process is working on the run."""


def runs_folder(wing: str) -> Path:
    """Where the wing's records lie: STFLOW_RUNS, by default runs/ beside the package."""
    return Path(os.environ.get("STFLOW_RUNS") or ROOT / "runs") / wing


def folder_of(run: Run) -> Path:
    """The run's folder of checkpoints (not made here)."""
    return runs_folder(run.wing) / run.key


def read(run: Run) -> dict | None:
    """The run's record in the store; None when there is none or it cannot be read."""
    return _load(runs_folder(run.wing) / f"{run.key}.json")


def read_all(wing: str) -> list[dict]:
    """Every readable record of a wing in the store, ordered by key."""
    records = (_load(path) for path in sorted(runs_folder(wing).glob("*.json")))
    return [record for record in records if record is not None]


def write(run: Run, record: dict) -> None:
    """Store a record so that a reader sees the old one or the new one, never half of one."""
    text = json.dumps(record, sort_keys=True, indent=1, allow_nan=False)
    write_atomic(runs_folder(run.wing) / f"{run.key}.json", text.encode())


@contextmanager
def locked(run: Run, wait: bool = True) -> Iterator[Path]:
    """The run's folder, held by this process alone; Locked when taken and `wait` is False.

    The lock is the kernel's: it falls when its process dies, however that happens, so there
    are no stale locks to clear.
    """
    folder = folder_of(run)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Locked(str(run)) from None
        yield folder


def checkpoints(folder: Path, stamp: dict) -> Path:
    """The folder for checkpoints made by exactly this code and data; others are removed.

    Without this, a run whose code has changed would resume from the weights of the old code.
    """
    inside, mark = folder / "checkpoints", folder / "stamp.json"
    if _load(mark) != stamp:
        shutil.rmtree(inside, ignore_errors=True)
        write_atomic(mark, json.dumps(stamp).encode())
    inside.mkdir(exist_ok=True)
    return inside


def _load(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
