"""Catalogue: the simulated cities, always here; `simulate` makes them and knows their truth."""

import xarray as xr

from stflow_lib.data.catalog.entry import Entry

PAPERS = {"fine": "UrbanSTC: TaxiBJ", "grid": "STBaT: its cities", "speed": "TSJT: its cities"}


def _entry(name, what, shape, step_minutes, unit, span="14 days, simulated", factor=0) -> Entry:
    kind = "graph" if name.startswith("sim-speed") else "grid"
    return Entry(
        name, what, kind, shape, span, step_minutes, "nominal", unit,
        "simulated by stflow_lib", "MIT", lambda folder: _simulated(name),
        stands_in_for=f"{PAPERS[name.split('-')[1]]}, where no data is here",
        factor=factor,
    )  # fmt: skip


def _simulated(name: str) -> xr.Dataset:
    from stflow_lib.data import simulate  # slow to import, and a list of names needs no city

    return simulate.CITIES[name]()[0]


GRIDS = "simulated pick-ups and drop-offs with POI, land use"
SPEEDS = "simulated loop detectors, land use"
ENTRIES = [
    _entry("sim-fine", "simulated entries into fine cells, with weather and holidays",
           "672 x 1 x 32 x 32", 30, "vehicles per 30 min", factor=4),
    _entry("sim-fine-128", "the same at the size of the paper",
           "3072 x 1 x 128 x 128", 30, "vehicles per 30 min", "64 days, simulated", 4),
    *(
        _entry(f"sim-grid-{city}", f"{GRIDS} {mix}", f"1440 x 2 x {cells}", 60,
               "trips per 60 min", "60 days, simulated")
        for city, mix, cells in (
            ("a", "imbalanced", "12 x 14"),
            ("b", "balanced", "14 x 12"),
            ("c", "imbalanced the other way", "10 x 12"),
        )
    ),
    *(
        _entry(f"sim-speed-{city}", f"{SPEEDS} {mix}", f"4032 x {sensors}", 5, unit)
        for city, mix, sensors, unit in (
            ("a", "imbalanced", 48, "mph"),
            ("b", "balanced", 40, "mph"),
            ("c", "imbalanced the other way", 44, "km/h"),
        )
    ),
]  # fmt: skip
