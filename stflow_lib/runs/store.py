"""The store on disk: one JSON file per finished run, one folder of checkpoints beside it."""

import errno
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stflow_lib import WORK
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.flock import LOCK_EX, LOCK_NB, flock
from stflow_lib.data.files.paths import setting_path
from stflow_lib.data.files.write import write_atomic
from stflow_lib.runs.record import checked, from_json
from stflow_lib.runs.run import Run, RunError

STAMP = "stamp.json"
LOCK = "lock"
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class Locked(Exception):
    """Another process is working on the run."""


class Unwritable(RunError):
    """The store cannot be written here."""


def runs_folder(wing: str) -> Path:
    """Where the wing's records lie: STFLOW_RUNS, else runs/ of the checkout, or where you are."""
    return (setting_path("STFLOW_RUNS") or WORK / "runs") / wing


def folder_of(run: Run) -> Path:
    """The run's folder of checkpoints (not made here)."""
    return runs_folder(run.wing) / run.key


def record_file(run: Run) -> Path:
    """Where the run's record is written."""
    return runs_folder(run.wing) / f"{run.key}.json"


def read(run: Run) -> dict | None:
    """The run's record in the store; None when there is none.

    What is no record, or another run's, counts as none and is named in a warning.
    """
    return _load(record_file(run))


def read_all(wing: str) -> list[dict]:
    """Every record of a wing in the store, ordered by key; what is none is named in a warning."""
    records = (_load(path) for path in sorted(runs_folder(wing).glob("*.json")))
    return [record for record in records if record is not None]


def write(run: Run, record: dict) -> None:
    """Store a record so that a reader sees the old one or the new one, never half of one.

    Whether it is stale is no part of it. DataError when it is no record of this run; a file in
    its place that is none is kept beside it as ``KEY.json.damaged``.
    """
    path = record_file(run)
    own = {name: value for name, value in record.items() if name != "stale"}
    text = json.dumps(_of_file(own, path), sort_keys=True, indent=1)
    if path.exists() and _is_damaged(path):
        os.replace(path, path.with_name(f"{path.name}.damaged"))
    write_atomic(path, text.encode())


@contextmanager
def locked(run: Run, wait: bool = True) -> Iterator[Path]:
    """The run's folder, held by this process alone; Locked when taken and `wait` is False.

    The lock is the kernel's: it falls when its process dies, however that happens, so there
    are no stale locks to clear. Unwritable, naming the run, where no folder can be made.
    """
    folder = folder_of(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / LOCK, "w")
    except OSError as error:
        kind = Unwritable if error.errno in READ_ONLY else RunError
        raise kind(f"{run}: {error}; STFLOW_RUNS names another store") from error
    with file:
        try:
            flock(file, LOCK_EX | (0 if wait else LOCK_NB))
        except BlockingIOError:
            raise Locked(str(run)) from None
        yield folder


@contextmanager
def for_reading(run: Run) -> Iterator[Path]:
    """The run's folder, held by this process; a copy of links where the store is read-only.

    What is written into the copy leaves the store as it is and is gone afterwards.
    """
    with ExitStack() as held:
        try:
            folder = held.enter_context(locked(run))
        except Unwritable:
            place = held.enter_context(tempfile.TemporaryDirectory(prefix="stflow-runs-"))
            folder = _linked(run, Path(place))
        yield folder


def checkpoints(folder: Path, stamp: dict, must: Iterable[str]) -> Path:
    """The folder for checkpoints made under exactly this stamp; others are removed.

    Of a stamp that is there, the entries `must` have to agree. Without this, a run whose code
    has changed would resume from the weights of the old code. RunError where old checkpoints
    cannot be removed: the new stamp is written only when they are gone.
    """
    inside, mark = folder / "checkpoints", folder / STAMP
    if _wanted(mark, must) != {name: stamp[name] for name in must}:
        try:
            mark.unlink(missing_ok=True)
            if inside.exists():
                shutil.rmtree(inside)
        except OSError as error:
            raise RunError(
                f"{inside}: of other code or data, not to be removed: {error}"
            ) from error
        write_atomic(mark, json.dumps(stamp).encode())
    inside.mkdir(parents=True, exist_ok=True)
    return inside


def _wanted(mark: Path, must: Iterable[str]) -> dict | None:
    """The entries of a stamp that have to agree; None where there is no stamp."""
    try:
        known = json.loads(mark.read_bytes())
        return {name: known.get(name) for name in must}
    except (FileNotFoundError, ValueError, AttributeError):
        return None


def _linked(run: Run, place: Path) -> Path:
    """A folder in `place` that stands for the run's own, with links to what the store holds."""
    wing = runs_folder(run.wing).resolve()
    for folder in (wing / run.key, wing / "shelf"):  # shelf: stages that runs share
        for file in folder.rglob("*"):
            if file.is_file() and file.name != LOCK:
                link = place / file.relative_to(wing)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)
    (place / run.key).mkdir(exist_ok=True)
    return place / run.key


def _load(path: Path) -> dict | None:
    try:
        return _read(path)
    except DataError as error:
        warnings.warn(f"{error}; counts as not run", stacklevel=3)
        return None


def _read(path: Path) -> dict | None:
    """The record in a file, None where there is no file; DataError for anything else."""
    try:
        return _of_file(from_json(path.read_bytes()), path)
    except FileNotFoundError:
        return None
    except DataError:
        raise
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise DataError(f"{path}: not readable as JSON: {error}") from None


def _of_file(record: Any, path: Path) -> dict:
    """The record when it is one, and the one that the file's name says."""
    record = checked(record, str(path))
    if (record["wing"], record["key"]) != (path.parent.name, path.stem):
        raise DataError(f"{path}: the record of another run, {record['wing']} {record['key']}")
    return record


def _is_damaged(path: Path) -> bool:
    try:
        return _read(path) is None
    except DataError:
        return True
