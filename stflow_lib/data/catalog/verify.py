"""Files that are here against the sizes and hashes that the catalogue lists.

Raw files are listed in the manifests of their sets, with git's or LFS's hash; the compact files
that some cities are read from in `manifests/compact.tsv`, with their sha256.
"""

import csv
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from stflow_lib.data.errors import DataError

POINTER = b"version https://git-lfs"


@cache
def compact() -> dict[str, tuple[str, str]]:
    """Size and hash of every compact file, by its place in the data folder."""
    table = files("stflow_lib.data.catalog") / "manifests" / "compact.tsv"
    with table.open(newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return {row["into"]: (row["bytes"], row["hash"]) for row in rows}


def verify(path: Path, size: str, listed: str):
    """DataError unless the file has the size (text, empty when not known) and the hash listed.

    `listed` is "git:<blob id>", "lfs:<sha256>" or "sha256:<sha256>". A file is hashed once in a
    process, and again when its size or time of change is another.
    """
    try:
        state = path.stat()
        kind, expected = listed.split(":")
        if size and state.st_size != int(size):
            raise DataError(f"{path}: {_what(path)}{state.st_size} bytes, the catalogue lists "
                            f"{size}: cut or changed; remove it and fetch it again")  # fmt: skip
        found = _digest(path, kind == "git", state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path}: not readable: {error}") from error
    if found != expected:
        raise DataError(f"{path}: {_what(path)}hash {found}, the catalogue lists {listed}: "
                        "changed; remove it and fetch it again")  # fmt: skip


def _what(path: Path) -> str:
    """What the first bytes say, where it explains the difference."""
    with path.open("rb") as file:
        return "a Git LFS pointer (git lfs pull), " if file.read(23) == POINTER else ""


@cache
def _digest(path: Path, git: bool, size: int, changed: int) -> str:
    digest = hashlib.sha1(b"blob %d\0" % size) if git else hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
