"""Hashes of cities and of code, kept beside the records: to make them all takes a minute."""

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from stflow_lib.data.files.write import write_atomic
from stflow_lib.runs.store import runs_folder
from stflow_lib.training.provenance.definitions import HERE

READERS = ("numpy", "pandas", "xarray", "pyarrow", "h5py", "scipy")
HASH = re.compile(r"[0-9a-f]{64}")


def kept_hash(names: tuple[str, ...], files: Iterable[Path], make: Callable[[], str]) -> str:
    """What `make()` returns, a sha256; looked up where it was made before.

    Before means: for the same `names`, the same files by place, size and time of change, and
    the same code of the room `data`. A store that cannot be written keeps nothing.
    """
    marks = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    key = hashlib.sha256(repr((names, marks, code_of("data"))).encode()).hexdigest()[:24]
    path = runs_folder("hashes") / key
    try:
        if HASH.fullmatch(known := path.read_text(encoding="utf-8")):
            return known
    except (OSError, UnicodeDecodeError):
        pass
    made = make()
    try:
        write_atomic(path, made.encode())
    except OSError:
        pass
    return made


@cache
def code_of(room: str) -> str:
    """sha256 of the sources of a room, "" is the whole package, and of what it reads by."""
    digest = hashlib.sha256(repr([version(name) for name in READERS]).encode())
    for path in sorted((HERE / room).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
