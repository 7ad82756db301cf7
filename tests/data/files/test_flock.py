"""One lock on an open file, whatever the system calls it."""

import fcntl
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from stflow_lib.data.files.flock import LOCK_EX, LOCK_NB, flock

LIBRARY = Path(__file__).resolve().parents[3] / "stflow_lib"


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path):
    path = tmp_path / "lock"
    with path.open("w") as first, path.open("w") as second:
        flock(first, LOCK_EX)
        with pytest.raises(BlockingIOError):
            flock(second.fileno(), LOCK_EX | LOCK_NB)
        first.close()
        flock(second, LOCK_EX | LOCK_NB)


def test_the_kernel_sees_the_same_lock(tmp_path):
    """A process of an older version, or another program, must be kept out too."""
    path = tmp_path / "lock"
    with path.open("w") as ours, path.open("w") as theirs:
        flock(ours, LOCK_EX)
        with pytest.raises(BlockingIOError):
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_folder_can_be_held(tmp_path):
    first, second = (os.open(tmp_path, os.O_RDONLY) for _ in "ab")
    flock(first, LOCK_EX)
    with pytest.raises(BlockingIOError):
        flock(second, LOCK_EX | LOCK_NB)
    os.close(first)
    flock(second, LOCK_EX | LOCK_NB)
    os.close(second)


def test_modules_with_locks_load_where_there_is_no_fcntl(monkeypatch, tmp_path):
    """Windows has none; a stage that runs share is then held by the lock of this module."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    loaded = {}
    for name in ("data/files/write", "runs/store", "gridflow/training/shared_stages"):
        spec = importlib.util.spec_from_file_location(
            f"again_{Path(name).name}", LIBRARY / f"{name}.py"
        )
        loaded[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    shared_stage = loaded["gridflow/training/shared_stages"].shared_stage
    (tmp_path / "stamp.json").write_text("{}")
    with shared_stage(tmp_path / "run", "stage") as place, (place / "lock").open() as other:
        with pytest.raises(BlockingIOError):
            flock(other, LOCK_EX | LOCK_NB)
