"""The one door through which files are opened: bounded in size, with errors that name them."""

import io
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from stflow_lib.data.errors import DataError

LIMIT_VARIABLE = "STFLOW_MAX_BYTES"
DEFAULT_LIMIT = 2**30
CHUNK = 2**20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BOM = b"\xef\xbb\xbf"
PLACEHOLDERS = {  # how a file begins that is no data -> what it is
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: git lfs pull",
    b"<!doctype html": "a web page (an error of the server?), not data",
    b"<html": "a web page (an error of the server?), not data",
}


@contextmanager
def named(where: Path | str, what: str = "not readable (truncated?)") -> Iterator[None]:
    """Whatever is raised inside becomes a DataError that names `where`.

    A DataError that does not name it gets it in front; any other exception becomes where, what,
    and its own words, MemoryError and RecursionError too: damage can end in each of them.
    """
    try:
        yield
    except DataError as error:
        if re.search(rf"(?<![\w-]){re.escape(str(where))}(?![\w-])", str(error)):
            raise
        raise DataError(f"{where}: {error}") from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{where}: {what}: {reason}") from error


def size_limit() -> int:
    """How many bytes one file may take in memory: STFLOW_MAX_BYTES, else 1 GiB."""
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_LIMIT)
    if not (text.isascii() and text.isdigit()):
        raise DataError(f"{LIMIT_VARIABLE}={text!r} is not a whole number of bytes")
    return int(text)


def demand_size(size: int, where: Path | str) -> None:
    """DataError unless `size` bytes are within the limit; asked before memory is taken."""
    if size > (limit := size_limit()):
        raise DataError(f"{where}: takes {size:,} bytes, more than the {limit:,} allowed "
                        f"(set {LIMIT_VARIABLE} to allow more)")  # fmt: skip


def demand_data(content: bytes, where: Path | str) -> None:
    """DataError when the content, or its first bytes, are a placeholder for a file."""
    head = bytes(content[:200]).removeprefix(BOM).lstrip().lower()
    for begin, what in PLACEHOLDERS.items():
        if head.startswith(begin):
            raise DataError(f"{where}: {what}")


def need_file(path: Path) -> Path:
    """`path` when it is a folder, or a file that can be read and holds data, else DataError."""
    path = Path(path)
    with named(path, "not readable"):
        if path.is_dir():
            return path
        if not path.exists():
            raise DataError(f"{path}: no such file")
        if not path.is_file():
            raise DataError(f"{path}: not a regular file")
        if path.stat().st_size == 0:
            raise DataError(f"{path}: empty file")
        with path.open("rb") as file:
            demand_data(file.read(200), path)
    return path


def read_bytes(path: Path) -> bytearray:
    """The content of a file; DataError for a folder and for what `need_file` refuses."""
    path = need_file(path)
    if path.is_dir():
        raise DataError(f"{path}: a folder, not a file")
    size = path.stat().st_size
    demand_size(size, path)
    with named(path), path.open("rb") as file:
        return _exactly(file, size, path)


def _exactly(file: IO[bytes], size: int, where: Path | str) -> bytearray:
    """`size` bytes, in pieces: an archive whose directory lies costs no more than it states."""
    content, at = bytearray(size), 0
    with memoryview(content) as view:
        while at < size and (count := file.readinto(view[at : at + CHUNK])):
            at += count
    if at != size:
        raise DataError(f"{where}: truncated: {at} bytes, not {size}")
    return content


@contextmanager
def open_zip(source: Path | IO[bytes], where: Path | str) -> Iterator["Archive"]:
    """The zip at a path, or in an open file that messages call `where`."""
    with named(where), zipfile.ZipFile(source) as bundle:
        yield Archive(bundle, where)


class Archive:
    """Members of an open zip by name, without folders and what macOS adds (__MACOSX, .name)."""

    def __init__(self, bundle: zipfile.ZipFile, where: Path | str):
        self.bundle, self.where = bundle, where
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in bundle.infolist():
            if info.filename in self.members:
                raise DataError(f"{where}: holds {info.filename} twice")
            if not info.is_dir() and not _hidden(info.filename):
                self.members[info.filename] = info

    def read(self, name: str) -> bytearray:
        """Content of a member, at most as long as the directory states."""
        info, place = self.members[name], f"{self.where}/{name}"
        if info.flag_bits & 1:
            raise DataError(f"{place}: encrypted")
        if info.compress_type not in METHODS:
            kind = zipfile.compressor_names.get(info.compress_type, info.compress_type)
            raise DataError(
                f"{place}: compressed by {kind}; only deflate is read: pack it anew"
            )
        demand_size(info.file_size, place)
        with named(place), self.bundle.open(info) as file:
            content = _exactly(file, info.file_size, place)
        demand_data(content, place)
        return content


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or parts[-1].startswith(".")


def member_bytes(path: Path) -> bytearray:
    """The content of a file, or of the member that `folder.zip/inner/name` points at.

    `folder/inner/name` is looked for first, then `inner/name`, at any depth, in `folder.zip`.
    """
    path = Path(path)
    if path.exists():
        return read_bytes(path)
    for parent in path.parents:
        if not parent.name:  # the root, or where the program was started
            break
        archive = parent.with_name(parent.name + ".zip")
        if archive.exists():
            return _from_zip(archive, path.relative_to(parent.parent), path)
    raise DataError(f"{path}: no such file, in its folder or in a zip of that name")


def open_member(path: Path) -> io.BytesIO:
    """`member_bytes` as an open file."""
    return io.BytesIO(member_bytes(path))


def _from_zip(path: Path, inner: Path, asked: Path) -> bytearray:
    short = "/".join(inner.parts[1:])
    with open_zip(need_file(path), path) as archive:
        wanted = ("/" + inner.as_posix(), "/" + short)
        found = [name for name in archive.members if ("/" + name).endswith(wanted)]
        if not found:
            raise DataError(f"{path}: holds no {short} (asked for {asked})")
        if len(found) > 1:
            raise DataError(f"{path}: holds {short} more than once: {', '.join(found)}")
        return archive.read(found[0])
