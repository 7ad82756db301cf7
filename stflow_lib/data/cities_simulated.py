"""Catalogue: the simulated cities, always here; `simulate` makes them and knows their truth."""

from stflow_lib.data import simulate
from stflow_lib.data.registry import Entry

FINE = "UrbanSTC: TaxiBJ, where no data is here"
GRID = "STBaT: its cities, where no data is here"
SPEED = "TSJT: its cities, where no data is here"


def _entry(name, what, kind, shape, days, step_minutes, unit, role) -> Entry:
    return Entry(
        name, what, kind, shape, f"{days} days", step_minutes, "nominal", unit,
        "simulated by stflow_lib", "MIT", lambda folder: simulate.CITIES[name]()[0],
        stands_in_for=role,
    )  # fmt: skip


ENTRIES = [
    _entry(
        "sim-fine", "simulated entries into fine cells, weather and holidays", "grid",
        "672 x 1 x 32 x 32", 14, 30, "vehicles per 30 min", FINE,
    ),
    _entry(
        "sim-fine-128", "the same at the size of the paper", "grid",
        "3072 x 1 x 128 x 128", 64, 30, "vehicles per 30 min", FINE,
    ),
]  # fmt: skip
