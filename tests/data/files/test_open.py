"""The door: sizes, placeholders, archives that lie; each refusal names file, member and rule."""

import os
import struct
import zipfile

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.files.open import named
from stflow_lib.data.files.read import need_file, open_member, read_npy, read_npz, read_table

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132735\n"


@pytest.mark.parametrize("read", [
    need_file, open_member, read_table, read_npy, lambda path: read_npz(path, ["x"]),
])  # fmt: skip
@pytest.mark.parametrize(("content", "message"), [
    (POINTER, "a Git LFS pointer, not the file itself: git lfs pull"),
    (b"\n<!DOCTYPE html><title>404</title>", "a web page"),
    (b"<html>Not found</html>", "a web page"),
])  # fmt: skip
def test_what_stands_for_a_file_is_told_from_it(tmp_path, read, content, message):
    """A clone without LFS or a download that failed leaves a file of the right name."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match=f"/a: {message}"):
        read(tmp_path / "a")


def test_a_pointer_packed_into_a_zip_is_told_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as bundle:
        bundle.writestr("X.npy", POINTER)
    with pytest.raises(DataError, match="set.zip/X.npy: a Git LFS pointer"):
        read_npy(tmp_path / "set" / "X.npy")


@pytest.mark.parametrize("read", [read_table, read_npy, lambda path: read_npz(path, ["x"])])
def test_a_folder_is_no_file(tmp_path, read):
    with pytest.raises(DataError, match=tmp_path.name):
        read(tmp_path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: not a regular file"):
        need_file(tmp_path / "pipe")


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("x\n1\n")

    def forbidden(path, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "open", forbidden)
    with pytest.raises(DataError, match="a.csv: not readable: .*Permission denied"):
        read_table(tmp_path / "a.csv")


def test_the_limit_is_told_and_can_be_set(tmp_path, monkeypatch):
    """Asked before the file is opened; a file of holes takes no disk, but would take memory."""
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, np.zeros(1))
        file.truncate(3 * 2**30)
    rule = r"a.npy: takes 3,221,225,472 bytes, more than the 1,073,741,824 .*STFLOW_MAX_BYTES"
    with pytest.raises(DataError, match=rule):
        read_npy(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros(100))
    monkeypatch.setenv("STFLOW_MAX_BYTES", "900")
    with pytest.raises(DataError, match="b.npy: takes 928 bytes, more than the 900 allowed"):
        read_npy(tmp_path / "b.npy")
    monkeypatch.setenv("STFLOW_MAX_BYTES", "1000")
    assert read_npy(tmp_path / "b.npy").shape == (100,)
    monkeypatch.setenv("STFLOW_MAX_BYTES", "1 GB")
    with pytest.raises(DataError, match="STFLOW_MAX_BYTES='1 GB' is not a whole number"):
        read_npy(tmp_path / "b.npy")


@pytest.fixture
def packed(tmp_path):
    """set.zip with one array of zeros, and a way to write other bytes into its directory."""
    path = tmp_path / "set.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle,
        bundle.open("X.npy", "w") as f,
    ):
        np.save(f, np.zeros(10_000))

    def directory(at, form, value):
        content = bytearray(path.read_bytes())
        struct.pack_into(form, content, content.index(b"PK\x01\x02") + at, value)
        path.write_bytes(content)
        return tmp_path / "set" / "X.npy"

    return directory


@pytest.mark.parametrize(("at", "form", "value", "message"), [
    (8, "<H", 1, "encrypted"),
    (10, "<H", 9, "compressed by deflate64; only deflate is read"),
    (10, "<H", 12, "compressed by bzip2"),
    (10, "<H", 77, "compressed by 77"),
    (24, "<L", 128, "not readable .*Bad CRC"),
    (24, "<L", 2**31, "takes 2,147,483,648 bytes, more than"),
    (24, "<L", 10**6, "truncated: 80128 bytes, not 1000000"),
])  # fmt: skip
def test_members_that_cannot_be_read_are_named(packed, at, form, value, message):
    """Flags, method and size of the zip directory: another packer, or one that lies."""
    with pytest.raises(DataError, match=f"set.zip/X.npy: {message}"):
        read_npy(packed(at, form, value))


def test_damage_inside_of_a_member_is_named(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.npz/x.npy: not readable"):
        read_npz(path, ["x"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_that_fit_one_name_are_refused(tmp_path):
    """Which one is read would hang on the order of packing."""
    for members in (["X.npy", "X.npy"], ["old/set/X.npy", "set/X.npy"]):
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as bundle:
            for name in members:
                bundle.writestr(name, b"x")
        with pytest.raises(DataError, match="set.zip: holds X.npy (twice|more than once: old)"):
            open_member(tmp_path / "set" / "X.npy")


def test_what_macos_adds_is_no_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as bundle:
        bundle.writestr("__MACOSX/set/X.npy", b"no array")
        bundle.writestr("set/X.npy", b"the array")
    assert open_member(tmp_path / "set" / "X.npy").read() == b"the array"


@pytest.mark.parametrize(("where", "said", "message"), [
    ("la", "lat: no number", "la: lat: no number"), ("la", "x/la/a.csv: bad", "x/la/a.csv: bad"),
    ("a.csv", "a.csv/b: bad", "a.csv/b: bad"), ("a.csv", "b-a.csv: bad", "a.csv: b-a.csv: bad"),
])  # fmt: skip
def test_an_error_of_ours_that_names_no_file_gets_it_in_front(where, said, message):
    with pytest.raises(DataError) as caught, named(where):
        raise DataError(said)
    assert str(caught.value) == message
