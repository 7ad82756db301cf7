"""Simulated cities with known truth: what every page runs on when no real data is here.

`CITIES[name]()` gives (city, truth) for every registered name.
"""

from functools import partial

from stflow_lib.data.simulate.fine import fine_rate, fine_split, simulate_fine
from stflow_lib.data.simulate.grid import grid_rate, simulate_grid
from stflow_lib.data.simulate.landuse import TYPES, imbalanced_shares

USES = TYPES[:6]
CITIES = {
    "sim-fine": simulate_fine,
    "sim-fine-128": partial(
        simulate_fine, 128, 128, 64, name="sim-fine-128", start="2025-07-01"
    ),
    "sim-grid-a": partial(
        simulate_grid, 12, 14, seed=1, name="sim-grid-a", type_shares=imbalanced_shares(12)
    ),
    "sim-grid-b": partial(
        simulate_grid, 14, 12, seed=2, name="sim-grid-b", type_shares=imbalanced_shares(1)
    ),
    "sim-grid-c": partial(
        simulate_grid,
        10,
        12,
        seed=3,
        name="sim-grid-c",
        type_shares=imbalanced_shares(12, USES[::-1]),
    ),
}

__all__ = [
    "CITIES",
    "TYPES",
    "fine_rate",
    "fine_split",
    "grid_rate",
    "imbalanced_shares",
    "simulate_fine",
    "simulate_grid",
]
