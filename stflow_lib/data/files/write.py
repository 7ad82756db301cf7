"""How files come into being: whole under another name, on the disk, then renamed into place.

Until it is whole, NAME is `.NAME.HOST-PID-RANDOM.part` beside its place, locked by its writer. The
kernel drops the lock when the writer ends, however that happens; the next writer of NAME removes
what nobody holds. Locks may not reach from one host to another, so what another host left goes
only after a day.
"""

import os
import socket
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from stflow_lib.data.files.flock import LOCK_EX, LOCK_NB, flock

HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
DAY = 24 * 3600  # seconds


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path`; a reader sees the old file or the new one, never half of one."""
    with writing(path) as file:
        file.write(content)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to write and read, at `path` when the block ends; an exception leaves the old one.

    Content and name are on the disk afterwards. `file.name` is where it lies meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    with _create(path) as file:
        aside = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    _sync(path.parent)


@contextmanager
def locked(folder: Path, waiting: str = "") -> Iterator[None]:
    """Hold `folder` alone, for reading, merging and writing what lies in it.

    Whoever comes later waits, after printing `waiting` to stderr. The lock is the kernel's and
    leaves no file: it falls when its process dies. It holds among the processes of one host.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        if waiting and not _try_lock(handle):
            print(waiting, file=sys.stderr, flush=True)
        flock(handle, LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create(path: Path) -> BinaryIO:
    """A new file under a name of its own, held by this process."""
    while True:
        aside = f".{path.name}.{HOST}-{os.getpid()}-{uuid4().hex[:8]}.part"
        file = open(path.with_name(aside), "x+b")
        with suppress(OSError):  # a file system without locks
            flock(file, LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # taken for a leftover before it was locked


def _remove_leftovers(path: Path) -> None:
    for aside in path.parent.glob(f".{escape(path.name)}.*-*-*.part"):
        with suppress(OSError), open(aside, "r+b") as file:
            here = aside.name.startswith(f".{path.name}.{HOST}-")
            old = time.time() - os.fstat(file.fileno()).st_mtime > DAY
            if (here or old) and _try_lock(file.fileno()):
                aside.unlink()


def _try_lock(handle: int) -> bool:
    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Bring the renaming itself to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
