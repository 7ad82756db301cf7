"""Resident memory as Linux tells it, and NaN where it does not."""

import math
import sys

import numpy as np
import pytest

from stflow_lib.training import memory


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_peak_covers_what_was_taken_and_given_back():
    """A peak that never came down would be charged to every later run."""
    memory.reset_peak()
    before = memory.status_mb("VmHWM")
    block = np.ones(2**24)  # 128 MB
    assert memory.status_mb("VmRSS") - before > 100
    del block
    assert memory.status_mb("VmHWM") - before > 100
    assert memory.status_mb("VmHWM") >= memory.status_mb("VmRSS")


def test_without_proc_there_is_no_number_and_no_error(tmp_path, monkeypatch):
    """Zero megabytes would look like a measurement."""
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(memory, "_RESET", tmp_path / "no" / "folder")
    memory.reset_peak()
    assert math.isnan(memory.status_mb("VmRSS"))
