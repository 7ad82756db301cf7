"""Downloads: public files verified by their hash, moved into place only when whole.

`manifests/NAME.tsv` lists, for each raw file of a set, the public repository, the commit, the
path, the size, the hash and the place inside the data folder. Files that are there are kept, so
an interrupted download goes on with the next file; of several processes one fetches, the others
wait and find the file. With STFLOW_MIRROR set, files are copied from
`<mirror>/<owner>/<name>/<commit>/<path>` instead of the network.
"""

import csv
import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import pooch
from tqdm import tqdm

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.paths import setting_path
from stflow_lib.data.files.write import locked, writing

PLAIN = "https://raw.githubusercontent.com"
LARGE = "https://media.githubusercontent.com/media"  # files that the repository keeps in LFS
LARGEST = 2**30  # bytes that a download may have where its manifest states no size
PART = r"(?!\.{1,2}(?:/|$))[^/\\\0]+"  # of a path that stays inside its folder
RULES = {  # field of a row -> what it looks like
    "repository": rf"{PART}/{PART}",
    "commit": r"[0-9a-f]+",
    "path": rf"{PART}(?:/{PART})*",
    "bytes": r"[0-9]*",
    "hash": r"git:[0-9a-f]{40}|lfs:[0-9a-f]{64}",
    "into": rf"{PART}(?:/{PART})*",
}


@dataclass(frozen=True)
class RawFile:
    """One public file: where it is, what it must be, and where it goes.

    DataError when a field does not look like RULES say, so that `into` cannot leave the folder.
    """

    repository: str
    commit: str
    path: str
    bytes: str  # empty when the size is not known
    hash: str  # "git:<blob id>" or "lfs:<sha256>"
    into: str  # place inside the data folder

    def __post_init__(self):
        for name, rule in RULES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or not re.fullmatch(rule, value):
                raise DataError(f"{name} {value!r} must look like {rule}")

    @property
    def remote(self) -> str:
        """Owner, name, commit and path: the address below a host or a mirror folder."""
        return f"{self.repository}/{self.commit}/{self.path}"

    @property
    def url(self) -> str:
        """The address from which the file is downloaded."""
        host = LARGE if self.hash.startswith("lfs:") else PLAIN
        return f"{host}/{quote(self.remote)}"


@cache
def manifest(name: str) -> tuple[RawFile, ...]:
    """The raw files of a manifest, in its order; DataError names the line that breaks a rule."""
    path = files("stflow_lib.data.catalog") / "manifests" / f"{name}.tsv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            found = tuple(_rows(path, csv.DictReader(lines, delimiter="\t", strict=True)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not readable as a manifest: {error}") from error
    if not found:
        raise DataError(f"{path}: lists no file")
    return found


def _rows(path: Traversable, table: csv.DictReader) -> Iterator[RawFile]:
    columns, seen = [field.name for field in fields(RawFile)], set()
    if table.fieldnames != columns:
        raise DataError(f"{path}: columns {table.fieldnames}, not {columns}")
    for row in table:
        place = f"{path}, line {table.line_num}"
        if None in row or None in row.values():
            raise DataError(f"{place}: not {len(columns)} fields")
        if row["into"] in seen:
            raise DataError(f"{place}: {row['into']} is listed twice")
        seen.add(row["into"])
        yield _raw_file(place, row)


def _raw_file(place: str, row: dict[str, str]) -> RawFile:
    try:
        return RawFile(**row)
    except DataError as error:
        raise DataError(f"{place}: {error}") from None


def download_all(raw_files: tuple[RawFile, ...], folder: Path, label: str) -> list[Path]:
    """Put every file into `folder`, those that are there excepted; their paths.

    DataError when a file cannot be had or is not the one expected; finished files stay, the
    broken one leaves nothing behind.
    """
    missing = [raw for raw in raw_files if not (folder / raw.into).exists()]
    for raw in tqdm(missing, desc=f"fetch {label}", unit="file", disable=not missing):
        _bring_one(raw, folder / raw.into)
    return [folder / raw.into for raw in raw_files]


def _bring_one(raw: RawFile, target: Path) -> None:
    """Fetch one file, unless another process has done so meanwhile."""
    try:
        with locked(target.parent):
            if not target.exists():
                with writing(target) as file:
                    _copy(raw, _Bounded(file, raw))
                    file.flush()
                    verify(Path(file.name), raw)
    except OSError as error:  # no network, no such file in the mirror, folder not writable
        raise DataError(f"{raw.into}: could not be had from {_origin(raw)} into "
                        f"{target.parent}: {error}") from error  # fmt: skip


class _Bounded:
    """A file that takes as many bytes as its manifest states, and no more."""

    def __init__(self, file: BinaryIO, raw: RawFile):
        self.file, self.raw = file, raw
        self.bound = self.left = int(raw.bytes or LARGEST)
        self.flush = file.flush

    def write(self, chunk: bytes) -> int:
        """Write `chunk`; DataError when that makes more bytes than the bound."""
        self.left -= len(chunk)
        if self.left < 0:
            raise DataError(f"{self.raw.into}: stopped after more than {self.bound} bytes, "
                            f"from {_origin(self.raw)}")  # fmt: skip
        return self.file.write(chunk)


def _origin(raw: RawFile) -> str:
    mirror = setting_path("STFLOW_MIRROR")
    return str(mirror / raw.remote) if mirror else raw.url


def _copy(raw: RawFile, target: _Bounded) -> None:
    if setting_path("STFLOW_MIRROR"):
        with open(_origin(raw), "rb") as source:
            shutil.copyfileobj(source, target, 2**20)
    else:
        pooch.HTTPDownloader(timeout=60, chunk_size=2**16)(raw.url, target, None)


def verify(path: Path, raw: RawFile):
    """DataError unless the file at `path` has the size and the hash that `raw` states."""
    size = path.stat().st_size
    if raw.bytes and size != int(raw.bytes):
        raise DataError(f"{raw.into}: truncated or changed: {size} bytes, not {raw.bytes}, "
                        f"from {_origin(raw)}")  # fmt: skip
    kind, expected = raw.hash.split(":")
    found = file_hash(path, kind, size)
    if found != expected:
        raise DataError(f"{raw.into}: wrong hash: {kind} {found}, not {expected}, "
                        f"from {_origin(raw)}")  # fmt: skip


def file_hash(path: Path, kind: str, size: int) -> str:
    """Git's blob id of a file of `size` bytes for the kind "git", else its sha256."""
    digest = hashlib.sha1(b"blob %d\0" % size) if kind == "git" else hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
