"""Foreign pickles: arrays come out, and nothing that they name ever runs."""

import pickle

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.files.restricted_pickle import load_arrays


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("touch pickle_ran",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_foreign_pickle_never_runs(tmp_path, monkeypatch, protocol):
    """A pickle may name any function of any module; only arrays are rebuilt."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "adj_mx.pkl"
    path.write_bytes(pickle.dumps([["1"], {}, Evil()], protocol=protocol))
    with pytest.raises(DataError, match=r"adj_mx.pkl.*system.*refused"):
        load_arrays(path)
    assert not (tmp_path / "pickle_ran").exists()


@pytest.mark.parametrize("protocol", range(5))
def test_pickled_arrays_are_read(tmp_path, protocol):
    path = tmp_path / "a.pkl"
    contents = [["1", "2"], {"1": 0, "2": 1}, np.arange(4, dtype=np.float32).reshape(2, 2)]
    path.write_bytes(pickle.dumps(contents, protocol=protocol))
    ids, index, matrix = load_arrays(path)
    assert (ids, index) == tuple(contents[:2]) and (matrix == contents[2]).all()


def test_a_truncated_pickle_is_named(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps([np.eye(3)])[:40])
    with pytest.raises(DataError, match=r"a.pkl: not a readable pickle"):
        load_arrays(path)


def nested(depth):
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


def wide():
    """Twenty lists of twenty, each the one before: 20**7 values when written out."""
    value = ["x"]
    for _ in range(6):
        value = [value] * 20
    return pickle.dumps(value)


def cyclic():
    value = []
    value.append(value)
    return pickle.dumps(value)


SHAPE = b"\x8a\x05\x00\x00\x00\x00\x10\x85"  # 2**36, in a tuple


@pytest.mark.parametrize(("content", "message"), [
    (nested(100), "nests lists deeper than 8"),
    (nested(3_000_000), "more than 1,000,000 steps"),
    (wide(), "more than 1,000,000 values"),
    (cyclic(), "nests lists deeper than 8"),
    (b"\x80\x04K\x01r\xff\xff\xff\x7f.", "puts a value in place 2,147,483,647"),
    (b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"x.", "not a readable pickle"),
    (b"\x80\x04\x8d" + (2**62).to_bytes(8, "little") + b"x.", "not a readable pickle"),
    (b"I" + b"9" * 10**6 + b"\n.", "not a readable pickle"),
    (b"\x80\x02cnumpy\nndarray\n" + SHAPE + b"R.", "not a readable pickle"),
    (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + SHAPE + b"U\x01b\x87R.",
     "makes an array in another way"),
    (pickle.dumps(np.array([["x"]], object)), "holds an array of objects"),
])  # fmt: skip
def test_a_pickle_takes_no_more_than_its_file(tmp_path, content, message):
    """Small programs that would run for minutes or take gigabytes are refused at once."""
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"a.pkl: .*{message}"):
        load_arrays(path)
