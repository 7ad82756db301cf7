"""What happens to zip archives (npz files are some): names, methods, flags, members, bombs."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from mutations import text

MEGABYTES = 500  # of a bomb, more than the memory that a reading may take


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist() if name[-1] != "/"}


def _write(path: Path, members: dict[str, bytes], method=zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as bundle:
        for name, data in members.items():
            bundle.writestr(name, data)


def repacked(name: str, method: int) -> Callable:
    """The same members by another method."""

    def change(path: Path, rng) -> None:
        _write(path, _members(path), method)

    change.__name__ = name
    return change


def renamed(name: str, rename: Callable[[str], str]) -> Callable:
    """The same members under other names."""

    def change(path: Path, rng) -> None:
        _write(path, {rename(old): data for old, data in _members(path).items()})

    change.__name__ = name
    return change


def extra(name: str, member: Callable[[str], str], data: bytes | None = None) -> Callable:
    """One more member, after the others; a copy of the first one unless `data` is given."""

    def change(path: Path, rng) -> None:
        members = _members(path)
        first = next(iter(members))
        _write(path, {**members, member(first): members[first] if data is None else data})

    change.__name__ = name
    return change


def headers(name: str, offset: int, value: int) -> Callable:
    """Two bytes of every local header and its entry in the directory set to `value`."""

    def change(path: Path, rng) -> None:
        data = bytearray(path.read_bytes())
        for mark, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
            at = data.find(mark)
            while at >= 0:
                struct.pack_into("<H", data, at + offset + shift, value)
                at = data.find(mark, at + 4)
        path.write_bytes(data)

    change.__name__ = name
    return change


def member_missing(path: Path, rng) -> None:
    members = _members(path)
    del members[list(members)[-1]]
    _write(path, members)


def members_reordered(path: Path, rng) -> None:
    _write(path, dict(reversed(_members(path).items())))


def no_members(path: Path, rng) -> None:
    _write(path, {})


def empty_member(path: Path, rng) -> None:
    members = _members(path)
    _write(path, {**members, next(iter(members)): b""})


def nested(path: Path, rng) -> None:
    inner = path.read_bytes()
    _write(path, {path.name: inner})


def same_name_twice(path: Path, rng) -> None:
    members = _members(path)
    first = next(iter(members))
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in [*members.items(), (first, members[first])]:
            bundle.writestr(name, data)


def wrong_checksum(path: Path, rng) -> None:
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    data[at + 16] ^= 1
    path.write_bytes(data)


def wrong_size(path: Path, rng) -> None:
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    path.write_bytes(data)


def damaged_stream(path: Path, rng) -> None:
    _write(path, _members(path), zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = 30 + struct.unpack_from("<H", data, 26)[0] + 8
    data[at : at + 12] = b"\xff" * 12
    path.write_bytes(data)


def bomb(path: Path, rng) -> None:
    """The first member is MEGABYTES of zeros in a few kilobytes."""
    members = _members(path)
    first = next(iter(members))
    _write(path, members)
    with zipfile.ZipFile(path, "w") as bundle:
        for name in members:
            if name != first:
                bundle.writestr(name, members[name])
    _append_zeros(path, first)


def _append_zeros(path: Path, name: str) -> None:
    """A deflated member of zeros, put before the directory of the archive by hand."""
    packer = zlib.compressobj(9, wbits=-15)
    head = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = head * MEGABYTES + packer.flush()
    size, crc = MEGABYTES * 2**20, _crc_of_zeros()
    data = path.read_bytes()
    end = data.rfind(b"PK\x05\x06")
    count, length, start = struct.unpack_from("<HII", data, end + 10)
    directory, text_name = data[start : start + length], name.encode()
    fields = struct.pack(
        "<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(stream), size, len(text_name), 0
    )
    local = b"PK\x03\x04" + fields + text_name + stream
    entry = (
        b"PK\x01\x02" + struct.pack("<H", 20) + fields + bytes(10) + struct.pack("<I", start)
    )
    directory += entry + text_name
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count + 1, count + 1, len(directory),
                                       start + len(local), 0)  # fmt: skip
    path.write_bytes(data[:start] + local + directory + tail)


@cache
def _crc_of_zeros(block=bytes(2**20)) -> int:
    crc = 0
    for _ in range(MEGABYTES):
        crc = zlib.crc32(block, crc)
    return crc


def in_member(change: Callable) -> Callable:
    """A change of the archive's first table."""

    def on_file(path: Path, rng) -> None:
        members = _members(path)
        name = next(name for name in members if name.endswith(".csv"))
        loose = path.with_name("loose.csv")
        loose.write_bytes(members[name])
        try:
            change(loose, rng)
            _write(path, {**members, name: loose.read_bytes()})
        finally:
            loose.unlink(missing_ok=True)

    on_file.__name__ = f"table_{change.__name__}"
    return on_file


CHANGES = [
    repacked("stored", zipfile.ZIP_STORED), repacked("deflated", zipfile.ZIP_DEFLATED),
    repacked("bzip2", zipfile.ZIP_BZIP2), repacked("lzma", zipfile.ZIP_LZMA),
    renamed("upper_case_names", str.upper), renamed("one_folder_deeper", "data/{}".format),
    renamed("names_of_windows", lambda name: name.replace("/", "\\")),
    renamed("names_with_space", lambda name: name.replace(".", " (1).")),
    extra("extra_text", lambda name: "README.txt", b"read me"),
    extra("extra_of_macs", lambda name: f"__MACOSX/._{name.split('/')[-1]}", b"\0\5\x16\7"),
    extra("extra_old_copy", "old/{}".format), extra("extra_outside", "../{}".format),
    extra("extra_upper_case", str.upper), extra("extra_zip", "{}.zip".format),
    headers("encrypted", 6, 1), headers("deflate64", 8, 9), headers("method_99", 8, 99),
    headers("version_99", 4, 99), member_missing, members_reordered, no_members, empty_member,
    nested, same_name_twice, wrong_checksum, wrong_size, damaged_stream, bomb,
]  # fmt: skip


def of_file(path: Path) -> list[Callable]:
    """All changes of an archive, those of a table in it included."""
    members = _members(path)
    tables = [name for name in members if name.endswith(".csv")]
    if not tables:
        return CHANGES
    loose = path.with_name("loose.csv")
    loose.write_bytes(members[tables[0]])
    inner = [*map(text.applied, text.changes_of(loose)), *text.ENCODINGS]
    loose.unlink()
    return [*CHANGES, *map(in_member, inner)]
