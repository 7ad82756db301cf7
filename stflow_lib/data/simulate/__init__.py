"""Simulated cities with known truth: what every page runs on when no real data is here."""

from functools import partial

from stflow_lib.data.simulate.fine import fine_rate, fine_split, simulate_fine
from stflow_lib.data.simulate.landuse import TYPES, imbalanced_shares

CITIES = {
    "sim-fine": simulate_fine,
    "sim-fine-128": partial(
        simulate_fine, 128, 128, 64, name="sim-fine-128", start="2025-07-01"
    ),
}

__all__ = ["CITIES", "TYPES", "fine_rate", "fine_split", "imbalanced_shares", "simulate_fine"]
