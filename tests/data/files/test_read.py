"""Opening files: what is there is read, what is not is an error with the file's name in it."""

import tracemalloc
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
    with pytest.raises(DataError, match=r"a\.npz/y\.npy: holds Python objects .*never opened"):
        read_npz(tmp_path / "a.npz", ["x", "y"])
    with pytest.raises(DataError, match=r"a\.npz: array 'z' is missing"):
        read_npz(tmp_path / "a.npz", ["z"])
    np.save(tmp_path / "o.npy", np.array([{}], object))
    with pytest.raises(DataError, match=r"o\.npy: holds Python objects .*never opened"):
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


def test_zeros_that_pack_well_are_refused_before_they_are_unpacked(tmp_path):
    """Two gigabytes of zeros are two megabytes in a zip, and took three gigabytes to read."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
        for name in ("x.npy", "y.npy"):
            with bundle.open(name, "w") as file:
                np.save(file, np.zeros(2_000_000, np.uint8))
    both = path.read_bytes()
    sizes = [(2_000_128).to_bytes(4, "little"), (2_000_000_128).to_bytes(4, "little")]
    path.write_bytes(both.replace(*sizes))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"a\.npz: takes 2,000,000,128 bytes, more than"):
            read_npz(path, ["x"])
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_the_limit_holds_for_all_arrays_of_a_file_together(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", x=np.zeros(100), y=np.zeros(100))
    monkeypatch.setenv("STFLOW_MAX_BYTES", "1700")
    assert read_npz(tmp_path / "a.npz", ["x"])["x"].shape == (100,)
    with pytest.raises(DataError, match=r"a\.npz: takes 1,856 bytes"):
        read_npz(tmp_path / "a.npz")


def with_header(header, values=b"\0" * 80, version=b"\x01\x00"):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + values


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}"


@pytest.mark.parametrize(("content", "message"), [
    (with_header(HEADER.format("<f8", "(8,)")), "takes 64 bytes, 80 are there"),
    (with_header(HEADER.format("<f8", f"({10**12},)")), "takes 8,000,000,000,000 bytes, 80 are"),
    (with_header(HEADER.format("<f8", f"({10**30},)")), "takes 8,0.* bytes, 80 are there"),
    (with_header(HEADER.format("<f8", "(-1,)")), "takes -8 bytes"),
    (with_header(HEADER.format("<f8", "(-1, -10)")), "not readable"),
    (with_header(HEADER.format("|O", "(10,)")), "holds Python objects"),
    (with_header(HEADER.format("<q9", "(10,)")), "not readable"),
    (with_header("(" * 90), "not readable"),
    (with_header(HEADER.format("<f8", "(10,)"), version=b"\x09\x00"), "npy version"),
    (with_header(HEADER.format("<f8", "(10,)"), version=b"\x03\x00"), "npy version"),
    (b"\x93NUMPY", "not readable"),
    (b"\x80\x04]\x94.", "no npy file"),
])  # fmt: skip
def test_an_array_is_as_large_as_its_file(tmp_path, content, message):
    """A changed shape gave other values in silence: what was left over was not looked at."""
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as bundle:
        bundle.writestr("x.npy", content)
    with pytest.raises(DataError, match=f"a.npy: .*{message}") as caught:
        read_npy(tmp_path / "a.npy")
    assert "allow_pickle" not in str(caught.value)
    with pytest.raises(DataError, match=f"b.npz/x.npy: .*{message}"):
        read_npz(tmp_path / "b.npz", ["x"])


@pytest.mark.parametrize("array", [
    np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(3), np.zeros((0, 4)),
    np.array(["2020-01-01"], "M8[s]"), np.array(["ab", "c"]), np.arange(3, dtype=">i2"),
])  # fmt: skip
def test_arrays_come_out_as_they_went_in(tmp_path, array):
    """Values, type, shape and order; and they can be written to."""
    np.save(tmp_path / "a.npy", array)
    back = read_npy(tmp_path / "a.npy")
    assert (back == array).all() and (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.flags.writeable and back.flags.f_contiguous == array.flags.f_contiguous


def test_a_parquet_table_of_too_many_rows_is_refused(tmp_path, monkeypatch):
    """A constant column of any length is a few hundred bytes on the disk."""
    pd.DataFrame({"a": np.zeros(10**6)}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setenv("STFLOW_MAX_BYTES", "5000000")
    with pytest.raises(DataError, match=r"t\.parquet: takes 8,000,000 bytes"):
        read_table(tmp_path / "t.parquet")
    text = pd.DataFrame({"a": ["x" * 6000 + str(row) for row in range(1000)]})
    text.to_parquet(tmp_path / "t.parquet", compression="zstd", use_dictionary=False)
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match=r"t\.parquet: takes 6,\d\d\d,\d\d\d bytes"):
        read_table(tmp_path / "t.parquet")


def test_a_parquet_column_of_text_is_no_column_of_numbers(tmp_path):
    pd.DataFrame({"a": ["1", "2,5"]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet: row 1, column 'a': '2,5' is not"):
        read_table(tmp_path / "t.parquet", numbers=["a"])


@pytest.mark.parametrize(("array", "rule"), [
    (np.zeros((2, 2)), r"shape \(2, 2\) where 1 or 3 axes"), (np.array(1.0), r"shape \(\)"),
    (np.array(["a"]), "<U1 where real numbers"), (np.zeros(3, "M8[s]"), "datetime64"),
    (np.zeros(3, complex), "complex128"), (np.zeros(1, [("x", "i4")]), "where real numbers"),
])  # fmt: skip
def test_an_array_of_another_kind_is_named_with_its_file(tmp_path, array, rule):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DataError, match=rf"a.npy: .*{rule}"):
        read_npy(tmp_path / "a.npy", axes=(1, 3))
