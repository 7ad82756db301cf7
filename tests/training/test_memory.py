"""Resident memory as Linux tells it, and NaN where it does not."""

import math
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
import time

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


def _fails():
    kept = b"1" * 2**26
    time.sleep(1)
    sys.exit(len(kept) and 3)


def test_a_process_is_watched_to_its_end():
    """The status of a failing page must come through, with what it took."""
    process = multiprocessing.get_context("fork").Process(target=_fails)
    process.start()
    status, peak = memory.watch_process(process)
    assert status == 3 and peak > 64


def test_without_proc_there_is_no_number_and_no_error(tmp_path, monkeypatch):
    """Zero megabytes would look like a measurement."""
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(memory, "_RESET", tmp_path / "no" / "folder")
    memory.reset_peak()
    assert math.isnan(memory.status_mb("VmRSS"))


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_us(how):
    """Whoever is killed cannot end its children itself."""
    told, tells = os.pipe()
    if (parent := os.fork()) == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        child = subprocess.Popen(["sleep", "60"], preexec_fn=memory.ends_with_us())
        os.write(tells, str(child.pid).encode())
        time.sleep(60)
    child = psutil.Process(int(os.read(told, 20)))
    assert child.is_running()
    os.kill(parent, how)
    os.waitpid(parent, 0)
    end = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_child_whose_parent_is_gone_before_it_begins_does_not_begin():
    if (child := os.fork()) == 0:
        memory.end_with(1 if os.getppid() != 1 else 2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (sys.platform == "linux")
