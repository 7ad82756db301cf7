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
