"""The kernel's lock on an open file, by the names of the standard library's `fcntl`, everywhere.

A lock falls when its file is closed or its process ends, however that happens. Linux and macOS
have `flock`, Windows has `LockFileEx`; the package filelock takes whichever there is.
"""

from typing import IO

from filelock import lock_descriptor

LOCK_EX, LOCK_NB = 1, 2  # hold alone; do not wait


def flock(file: int | IO, how: int) -> None:
    """Hold an open file, or its descriptor, alone.

    Waits for the holder; with LOCK_NB in `how` raises BlockingIOError instead. OSError where the
    file system has no locks.
    """
    handle = file if isinstance(file, int) else file.fileno()
    if not lock_descriptor(handle, blocking=not how & LOCK_NB):
        raise BlockingIOError(f"{handle}: held by another process")
