"""Files that are here: the right ones pass, cut and changed ones are named."""

import hashlib
import os

import pytest

from stflow_lib.data import DataError
from stflow_lib.data.catalog import index, verify

CONTENT = b"a,b\n1,2\n3,4\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LISTED = {
    "git": "git:" + hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest(),
    "lfs": f"lfs:{SHA256}", "sha256": f"sha256:{SHA256}",
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("kind", LISTED)
@pytest.mark.parametrize("size", ["", str(len(CONTENT))])
def test_the_listed_file_passes(file, kind, size):
    verify.verify(file, size, LISTED[kind])


@pytest.mark.parametrize("kind", LISTED)
def test_a_cut_and_a_changed_file_are_named(file, kind):
    """Even of the same size, and after the right file of that name was seen."""
    verify.verify(file, "", LISTED[kind])
    file.write_bytes(CONTENT[:-4])
    with pytest.raises(
        DataError, match=r"a.csv: 8 bytes, the catalogue lists 12: cut or changed"
    ):
        verify.verify(file, "12", LISTED[kind])
    with pytest.raises(DataError, match=r"a.csv: hash .* the catalogue lists .*: changed"):
        verify.verify(file, "", LISTED[kind])
    file.write_bytes(CONTENT.replace(b"4", b"5"))
    with pytest.raises(DataError, match=r"a.csv: hash .* the catalogue lists"):
        verify.verify(file, "12", LISTED[kind])


def test_a_pointer_is_called_one(file):
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    with pytest.raises(
        DataError, match=r"a.csv: a Git LFS pointer \(git lfs pull\), \d+ bytes"
    ):
        verify.verify(file, "12", LISTED["lfs"])


def test_a_file_is_hashed_once_while_it_stays(file, monkeypatch):
    verify.verify(file, "", LISTED["sha256"])
    monkeypatch.setattr(verify, "file_hash", None)
    verify.verify(file, "", LISTED["sha256"])
    os.utime(file, ns=(1, 1))
    with pytest.raises(TypeError):
        verify.verify(file, "", LISTED["sha256"])


def test_every_compact_form_is_listed_with_size_and_sha256():
    """What a city is read from must be known, or a cut file passes for it."""
    unknown = {
        path for entry in index.entries().values()
        if not entry.name.startswith(("taxibj", "crosstres", "bikenyc-2019"))
        for form in entry.forms for path in form
        if path not in verify.compact() and path not in {raw.into for raw in entry.raw_files()}
    }  # fmt: skip
    assert {path.split("/")[0] for path in unknown} <= {"dcrnn"}
    for size, listed in verify.compact().values():
        kind, digest = listed.split(":")
        assert int(size) > 0 and kind == "sha256" and len(digest) == 64


def test_load_refuses_a_cut_file_by_its_name(tmp_path, monkeypatch):
    """Los Angeles cut to 1,000 rows was a city of 1,000 steps under the same name."""
    files = {"los_speed.csv": b"1,2\n5,6\n", "los_adj.csv": b"1,1\n1,1\n"}
    base = tmp_path / "speed" / "la"
    base.mkdir(parents=True)
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path))
    for raw in index.entries()["la"].raw_files():
        (tmp_path / raw.into).write_bytes(files.get(raw.path.split("/")[-1], b"x"))
    with pytest.raises(DataError, match=r"la/los_adj.csv: 8 bytes, the catalogue lists 111686"):
        index.load("la")
