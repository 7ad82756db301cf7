"""Files that are here against the sizes and hashes that the catalogue lists.

Raw files are listed in the manifests of their sets, with git's or LFS's hash; the compact files
that some cities are read from in `manifests/compact.tsv`, with their sha256.
"""

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.download import file_hash

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
        found = _hash_once(path, kind, state.st_size, state.st_mtime_ns)
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
def _hash_once(path: Path, kind: str, size: int, _changed: int) -> str:
    return file_hash(path, kind, size)
