"""Urban flow with little data: three papers rebuilt, run and judged."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # of the checkout: book/, notebooks/, the lock
