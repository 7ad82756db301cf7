"""Resident memory as Linux tells it, and NaN where it does not."""

import math
import mmap
import sys

import psutil
import pytest

from stflow_lib.training import memory


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_peak_covers_what_was_taken_and_given_back():
    """A peak that never came down would be charged to every later run."""
    memory.reset_peak()
    before = memory.status_mb("VmRSS")
    block = mmap.mmap(-1, 2**27)  # 128 MB of its own, which no heap had kept from before
    block.write(b"1" * 2**27)
    assert memory.status_mb("VmRSS") - before > 100
    block.close()
    assert memory.status_mb("VmHWM") - before > 100
    assert memory.status_mb("VmHWM") > memory.status_mb("VmRSS")


def test_a_process_is_watched_to_its_end():
    """The status of a failing page must come through, with what it took."""
    code = "import sys, time; kept = b'1' * 2**26; time.sleep(1); sys.exit(3)"
    status, peak = memory.watch_process(psutil.Popen([sys.executable, "-c", code]))
    assert status == 3 and peak > 64


def test_without_proc_there_is_no_number_and_no_error(tmp_path, monkeypatch):
    """Zero megabytes would look like a measurement."""
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(memory, "_RESET", tmp_path / "no" / "folder")
    memory.reset_peak()
    assert math.isnan(memory.status_mb("VmRSS"))
