"""Downloads: public files verified by their hash, moved into place only when whole.

`manifests/NAME.tsv` lists, for each raw file of a set, the public repository, the commit, the
path, the size, the hash and the place inside the data folder. Files that are there are kept, so
an interrupted download goes on with the next file. With STFLOW_MIRROR set, files are copied
from `<mirror>/<owner>/<name>/<commit>/<path>` instead of the network.
"""

import csv
import hashlib
import os
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import pooch
from tqdm import tqdm

from stflow_lib.data.errors import DataError

PLAIN = "https://raw.githubusercontent.com"
LARGE = "https://media.githubusercontent.com/media"  # files that the repository keeps in LFS


@dataclass(frozen=True)
class RawFile:
    """One public file: where it is, what it must be, and where it goes."""

    repository: str
    commit: str
    path: str
    bytes: str  # empty when the size is not known
    hash: str  # "git:<blob id>" or "lfs:<sha256>"
    into: str  # place inside the data folder

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
    """The raw files of a manifest, in its order."""
    with (files("stflow_lib.data.catalog") / "manifests" / f"{name}.tsv").open(
        newline=""
    ) as lines:
        return tuple(RawFile(**row) for row in csv.DictReader(lines, delimiter="\t"))


def download_all(raw_files: tuple[RawFile, ...], folder: Path, label: str) -> list[Path]:
    """Put every file into `folder`, those that are there excepted; their paths.

    DataError when a file cannot be had or is not the one expected; finished files stay, the
    broken one leaves nothing behind.
    """
    missing = [raw for raw in raw_files if not (folder / raw.into).exists()]
    for raw in tqdm(missing, desc=f"fetch {label}", unit="file", disable=not missing):
        _bring_one(raw, folder / raw.into)
    return [folder / raw.into for raw in raw_files]


def _bring_one(raw: RawFile, target: Path):
    aside = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(raw, aside)
        verify(aside, raw)
        os.replace(aside, target)
    except OSError as error:  # no network, no such file in the mirror, folder not writable
        raise DataError(f"{raw.into}: could not be had from {_origin(raw)}: {error}") from error
    finally:
        if aside.parent.exists() and os.access(aside.parent, os.W_OK):
            aside.unlink(missing_ok=True)


def _origin(raw: RawFile) -> str:
    mirror = os.environ.get("STFLOW_MIRROR")
    return str(Path(mirror) / raw.remote) if mirror else raw.url


def _copy(raw: RawFile, aside: Path):
    if os.environ.get("STFLOW_MIRROR"):
        shutil.copyfile(_origin(raw), aside)
    else:
        pooch.HTTPDownloader(timeout=60)(raw.url, str(aside), None)


def verify(path: Path, raw: RawFile):
    """DataError unless the file at `path` has the size and the hash that `raw` states."""
    size = path.stat().st_size
    if raw.bytes and size != int(raw.bytes):
        raise DataError(f"{raw.into}: truncated or changed: {size} bytes, not {raw.bytes}, "
                        f"from {_origin(raw)}")  # fmt: skip
    kind, expected = raw.hash.split(":")
    digest = hashlib.sha256() if kind == "lfs" else hashlib.sha1(b"blob %d\0" % size)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != expected:
        raise DataError(f"{raw.into}: wrong hash: {kind} {digest.hexdigest()}, not {expected}, "
                        f"from {_origin(raw)}")  # fmt: skip
