"""Resident memory: of this process, as Linux tells it, and the peak of another one."""

import ctypes
import math
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def status_mb(name: str) -> float:
    """A line of /proc/self/status in MB (2^20 bytes): VmRSS is now, VmHWM the peak; else NaN."""
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith(name)), math.nan)


def reset_peak() -> None:
    """Start the peak anew, where the system lets us."""
    try:
        _RESET.write_text("5")
    except OSError:
        pass


def ends_with_us() -> Callable[[], None]:
    """A `preexec_fn`: Linux kills the child when the thread that started it ends, even by SIGKILL.

    Elsewhere it does nothing.
    """
    return partial(end_with, os.getpid())


def end_with(parent: int) -> None:
    """As `ends_with_us`, called in the child, whose parent is or was `parent`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)


def watch_process(process: BaseProcess) -> tuple[int, float]:
    """Exit status of `process`, waited for, and the peak memory of it and its children, in MB.

    What forks share with their parent counts in parts (PSS), where the system tells it.
    """
    peak = 0
    while process.exitcode is None:
        try:
            first = psutil.Process(process.pid)
            family = [first, *first.children(recursive=True)]
            peak = max(peak, sum(map(_memory, family)))
        except psutil.Error:
            pass  # somebody ended between being listed and being asked
        process.join(0.5)  # PSS costs ten milliseconds for a gigabyte
    return process.exitcode, peak / 2**20


def _memory(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return getattr(full, "pss", full.uss)
