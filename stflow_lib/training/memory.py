"""Resident memory of this process, as Linux tells it."""

import math
from pathlib import Path

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
