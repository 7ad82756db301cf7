"""Region grids: pick-ups and drop-offs that come from one table of gravity trips.

A trip of purpose p leaves i in step t at the rate volume_p(t) T_p[i, j] and arrives in the same
step, or in the next with probability min(travel time / step, 1); trips home use T_p transposed.
"""

import numpy as np
import xarray as xr

from stflow_lib.data.rasterize.poi import GROUPS
from stflow_lib.data.schema import grid_city, with_content_hash
from stflow_lib.data.simulate.gravity import decay_kernel, distances, trip_ends
from stflow_lib.data.simulate.landuse import (
    DEFAULT_SHARES,
    TYPES,
    districts,
    masses,
    poi_counts,
    type_map,
)
from stflow_lib.data.simulate.purposes import PURPOSES, WAYS, ends, volumes
from stflow_lib.data.simulate.streams import substream
from stflow_lib.data.simulate.weather import SOURCE, make_sky, with_external

DIRECTIONS = ("pickup", "dropoff")
DISTRICTS = 4


def simulate_grid(
    rows: int = 12,
    cols: int = 12,
    days: int = 60,
    step_minutes: int = 60,
    seed: int = 0,
    *,
    name: str = "sim-grid",
    start: str = "2025-03-03",
    type_shares: dict[str, float] = DEFAULT_SHARES,
    mean_flow: float = 20.0,
    mood: float = 0.25,
    cell_m: float = 1000.0,
    decay_m: float = 3000.0,
    speed_kmh: float = 20.0,
) -> tuple[xr.Dataset, xr.Dataset]:
    """A city of regions with POI counts and external factors, and its truth.

    `mean_flow` is the mean expected number of pick-ups per region and step; `mood` as in
    `simulate_fine`. City: flow (time, direction pickup/dropoff, row, col), poi (category, row,
    col), external (time, FACTORS), valid (direction, row, col) = somebody may be expected.
    Truth: type, mass (row, col), home and away (purpose, row, col), volume (time, component),
    pickup, dropoff and late (component, row, col). DataError for impossible settings.
    """
    sky = make_sky(start, days, step_minutes, seed)
    types = type_map(rows, cols, type_shares, 1.0, seed)
    mass = masses(types, seed)
    home, away = np.moveaxis([ends(purpose, types, mass) for purpose in PURPOSES], 1, 0)
    loading = _loadings(home, away, cell_m, decay_m, step_minutes * speed_kmh / 0.06)
    volume = volumes(sky, step_minutes, mood, seed, DISTRICTS).reshape(len(sky), -1)
    volume *= mean_flow / (volume.mean(0) @ loading["pickup"].mean((1, 2)))
    truth = _truth(sky, {"type": types, "mass": mass}, home, away, volume, loading)
    city = grid_city(_counts(truth, seed), sky.index, DIRECTIONS, name=name,
                     step_minutes=step_minutes, cell_m=cell_m,
                     unit=f"trips per {step_minutes} min", **SOURCE)  # fmt: skip
    city["poi"] = (("category", "row", "col"), poi_counts(types, mass, seed))
    city["valid"] = (("direction", "row", "col"), _reached(truth))
    return with_content_hash(
        with_external(city, sky).assign_coords(category=list(GROUPS))
    ), truth


def grid_rate(truth: xr.Dataset, steps: slice = slice(None)) -> np.ndarray:
    """Expected pick-ups and drop-offs per region and step, float32 [steps, 2, rows, cols].

    The first step of a city has no late arrivals: nobody was on the way.
    """
    volume = truth["volume"].values
    before = np.vstack([np.zeros_like(volume[:1]), volume[:-1]])

    def rate(name, level):
        return np.tensordot(level[steps], truth[name].values, 1)

    arrived = rate("dropoff", volume) + rate("late", before)
    return np.stack([rate("pickup", volume), arrived], axis=1).astype(np.float32)


def _loadings(home, away, cell_m, decay_m, reach_m):
    """Trips per unit volume that start, end at once, or end a step later in each region.

    home, away [purpose, row, col] -> three arrays [component, row, col], a component being a
    purpose, a way and the district of the home end. reach_m: metres travelled in one step.
    """
    rows, cols = home.shape[1:]
    kernel = decay_kernel(rows, cols, cell_m, decay_m)
    slow = kernel * np.minimum(distances(rows, cols, cell_m) / reach_m, 1)
    start, late = [], []
    for h, a in zip(home, away, strict=True):
        quarters = districts(rows, cols) * h
        sent, received = np.moveaxis([trip_ends(q, a, kernel) for q in quarters], 1, 0)
        start += [*sent, *received]  # out: from the home end; back: from the away end
        sent, received = np.moveaxis([trip_ends(q, a, slow) for q in quarters], 1, 0)
        late += [*received, *sent]
    start, late = np.array(start), np.array(late)
    ending = start.reshape(-1, 2, DISTRICTS, rows, cols)[:, ::-1].reshape(start.shape)
    return {"pickup": start, "dropoff": ending - late, "late": late}


def _truth(sky, ground, home, away, volume, loading):
    names = [f"{p} {way} {d}" for p in PURPOSES for way in WAYS for d in range(DISTRICTS)]
    maps = {key: (("row", "col"), value) for key, value in ground.items()}
    maps |= {key: (("component", "row", "col"), value) for key, value in loading.items()}
    maps |= {
        "home": (("purpose", "row", "col"), home),
        "away": (("purpose", "row", "col"), away),
    }
    maps |= {"volume": (("time", "component"), volume), "wetness": ("time", sky["wetness"])}
    coords = {"time": sky.index.as_unit("ns"), "component": names, "purpose": list(PURPOSES)}
    return xr.Dataset(maps, coords, attrs={"types": TYPES})


def _reached(truth):
    rate = [truth["pickup"].values.sum(0), (truth["dropoff"] + truth["late"]).values.sum(0)]
    return np.array(rate) > 0


def _counts(truth, seed):
    """Poisson counts [time, 2, row, col] of both directions, drawn 500 steps at a time."""
    parts = [slice(i, i + 500) for i in range(0, truth.sizes["time"], 500)]
    draws = [substream(seed, "counts", p.start).poisson(grid_rate(truth, p)) for p in parts]
    return np.concatenate(draws).astype(np.float32)
