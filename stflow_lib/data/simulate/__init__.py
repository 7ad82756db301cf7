"""Simulated cities with known truth: what every page runs on when no real data is here.

`CITIES[name]()` gives (city, truth) for every registered name. The cities a, b and c of a kind
differ in seed, size and land use: a is imbalanced one way, b is balanced, c is a reversed.
"""

from functools import partial

from stflow_lib.data.simulate.fine import fine_rate, fine_split, simulate_fine
from stflow_lib.data.simulate.grid import grid_rate, simulate_grid
from stflow_lib.data.simulate.landuse import TYPES, imbalanced_shares
from stflow_lib.data.simulate.speed import simulate_speed

SHARES = {
    "a": imbalanced_shares(12),
    "b": imbalanced_shares(1),
    "c": imbalanced_shares(12, TYPES[5::-1]),
}
FINE = {
    "sim-fine": {},
    "sim-fine-128": {"rows": 128, "cols": 128, "days": 64, "start": "2025-07-01"},
}
GRID = {
    "sim-grid-a": {"rows": 12, "cols": 14, "seed": 1, "type_shares": SHARES["a"]},
    "sim-grid-b": {"rows": 14, "cols": 12, "seed": 2, "type_shares": SHARES["b"]},
    "sim-grid-c": {"rows": 10, "cols": 12, "seed": 3, "type_shares": SHARES["c"]},
}
SPEED = {
    "sim-speed-a": {"sensors": 48, "seed": 1, "type_shares": SHARES["a"]},
    "sim-speed-b": {"sensors": 40, "seed": 2, "type_shares": SHARES["b"]},
    "sim-speed-c": {
        "sensors": 44, "seed": 3, "type_shares": SHARES["c"],
        "free_kmh": 60.0, "spacing_km": 0.5, "unit": "km/h", "load": 1.4,
    },
}  # fmt: skip
CITIES = {
    name: partial(simulate, name=name, **settings)
    for simulate, cities in (
        (simulate_fine, FINE),
        (simulate_grid, GRID),
        (simulate_speed, SPEED),
    )
    for name, settings in cities.items()
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
    "simulate_speed",
]
