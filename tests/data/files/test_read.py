"""Opening files: what is there is read, what is not is an error with the file's name in it."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.files.read import need_file, open_member, read_npy, read_npz, read_table


def test_a_file_must_be_there_and_hold_something(tmp_path):
    """An empty download would show only as a strange error of the parser."""
    (tmp_path / "full").write_bytes(b"x")
    (tmp_path / "empty").touch()
    assert need_file(tmp_path / "full") == tmp_path / "full" and need_file(tmp_path) == tmp_path
    with pytest.raises(DataError, match="empty: empty file"):
        need_file(tmp_path / "empty")
    with pytest.raises(DataError, match="gone: no such file"):
        need_file(tmp_path / "gone")


def test_tables_of_both_kinds_are_equal(tmp_path):
    """The ending decides, also where a path carries a folder that ends otherwise."""
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name, ["b"]), table)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("a.csv", b"x,y\n1,2\n", "a.csv: column 'z' is missing"),
     ("a.csv", b"z\n", "a.csv: empty file, no rows"),
     ("a.parquet", b"PAR1 cut", "a.parquet: not readable as a table"),
     ("a.csv", b'z\n"open', "a.csv: not readable as a table")],
)  # fmt: skip
def test_bad_tables_are_named(tmp_path, name, content, message):
    """Pandas' own errors do not say which of five hundred files is broken."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name, ["z"])


def test_only_the_arrays_asked_for_come_out_and_no_objects(tmp_path):
    """An array of objects is a pickle: opening it would run what stands in it."""
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.array([{}], object))
    assert read_npz(tmp_path / "a.npz", ["x"])["x"].tolist() == [0, 1, 2]
    with pytest.raises(DataError, match=r"a\.npz: not readable"):
        read_npz(tmp_path / "a.npz", ["x", "y"])
    with pytest.raises(DataError, match=r"a\.npz: array 'z' is missing"):
        read_npz(tmp_path / "a.npz", ["z"])
    np.save(tmp_path / "o.npy", np.array([{}], object))
    with pytest.raises(DataError, match=r"o\.npy: not readable"):
        read_npy(tmp_path / "o.npy")


@pytest.fixture
def archive(tmp_path):
    """set.zip as it is packed by two kinds of people: with its folder's name, and without."""

    def pack(*members):
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as bundle:
            for value, member in enumerate(members):
                with bundle.open(member, "w") as file:
                    np.save(file, np.array(value))
        return tmp_path / "set"

    return pack


@pytest.mark.parametrize("member", ["set/part/X.npy", "part/X.npy", "data/set/part/X.npy"])
def test_a_zip_may_hold_its_folder_or_only_what_is_in_it(archive, member):
    """A name that merely ends alike is another file: OX.npy must not be read for X.npy."""
    folder = archive("part/OX.npy", member)
    assert read_npy(folder / "part" / "X.npy") == 1


def test_an_unpacked_file_comes_before_the_zip(archive):
    """Whoever unpacks and mends a file means the mended one."""
    folder = archive("set/X.npy")
    folder.mkdir()
    np.save(folder / "X.npy", np.array(7))
    assert read_npy(folder / "X.npy") == 7


def test_what_neither_folder_nor_zip_holds_is_named(archive, tmp_path):
    """Two mistakes, two messages: no archive at all, or one without the member."""
    with pytest.raises(DataError, match=r"X\.npy: no such file, in its folder or in a zip"):
        open_member(tmp_path / "set" / "X.npy")
    folder = archive("set/Y.npy")
    with pytest.raises(DataError, match=r"set\.zip: holds no X\.npy"):
        open_member(folder / "X.npy")
    (tmp_path / "set.zip").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match=r"set\.zip: not readable"):
        open_member(folder / "X.npy")
