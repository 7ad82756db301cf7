"""Urban flow with little data: three papers rebuilt, run and judged."""

from pathlib import Path

__version__ = "0.1.0"

_HERE = Path(__file__).resolve().parent
INSTALLED = (_HERE / "checkout").is_dir()  # from a wheel, which brings what a user needs
ROOT = _HERE / "checkout" if INSTALLED else _HERE.parent  # holds book/, notebooks/, the lock
WORK = Path.cwd() if INSTALLED else ROOT  # holds runs/
