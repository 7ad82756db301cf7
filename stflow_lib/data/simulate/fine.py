"""Fine maps: vehicles that enter each fine cell, with the truth that produced them.

rate(t, i) = sum_k level_k(t) loading_k(i), and the flow is Poisson. A component k is a purpose
and a part of the journey (arrival out or back, avenue, motorway) in one of four districts.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from stflow_lib.data.schema import block_sum, grid_city, with_content_hash
from stflow_lib.data.simulate.gravity import decay_kernel, spread, trip_ends
from stflow_lib.data.simulate.landuse import DEFAULT_SHARES, TYPES, districts, masses, type_map
from stflow_lib.data.simulate.purposes import PURPOSES, WAYS, ends, volumes
from stflow_lib.data.simulate.roads import road_maps
from stflow_lib.data.simulate.streams import substream
from stflow_lib.data.simulate.weather import SOURCE, make_sky, with_external

PARTS = (*WAYS, "avenue", "motorway")
DISTRICTS = 4


def simulate_fine(
    rows: int = 32,
    cols: int = 32,
    days: int = 14,
    step_minutes: int = 30,
    seed: int = 0,
    *,
    name: str = "sim-fine",
    start: str = "2025-03-03",
    type_shares: dict[str, float] = DEFAULT_SHARES,
    mean_flow: float = 12.0,
    road_share: float = 0.5,
    mood: float = 0.4,
    cell_m: float = 150.0,
    decay_m: float = 2500.0,
) -> tuple[xr.Dataset, xr.Dataset]:
    """A city of fine cells with external factors, and its truth.

    `mean_flow` is the mean expected number of entries per cell and step, `road_share` the part
    of it that only passes through, `mood` the standard deviation of the log volume of each
    purpose in each district. City: flow (time, direction "entries", row, col), external
    (time, FACTORS). Truth: type, mass, street, avenue, motorway (row, col), wetness, level
    (time, component), loading (component, row, col). DataError for impossible settings.
    """
    sky = make_sky(start, days, step_minutes, seed)
    ground = _ground(rows, cols, type_shares, seed)
    level = _levels(sky, volumes(sky, step_minutes, mood, seed, DISTRICTS))
    loading = _calibrate(level, _loadings(ground, cell_m, decay_m), mean_flow, road_share)
    truth = _truth(ground, sky, level, loading)
    city = grid_city(_counts(truth, 1440 // step_minutes, seed), sky.index, ["entries"],
                     name=name, step_minutes=step_minutes, cell_m=cell_m,
                     unit=f"vehicles per {step_minutes} min", **SOURCE)  # fmt: skip
    return with_content_hash(with_external(city, sky)), truth


def fine_rate(truth: xr.Dataset, steps: slice = slice(None)) -> np.ndarray:
    """Expected entries per cell and step, float32 [steps, rows, cols]."""
    loading = truth["loading"].values
    rate = truth["level"].values[steps] @ loading.reshape(len(loading), -1)
    return rate.astype(np.float32).reshape(-1, *loading.shape[1:])


def fine_split(truth: xr.Dataset, factor: int, steps: slice = slice(None)) -> np.ndarray:
    """Each fine cell's expected share of its `factor` x `factor` block, [steps, rows, cols].

    Shares sum to 1 in every block; a block in which nobody is expected has zeros.
    """
    rate = fine_rate(truth, steps)
    total = block_sum(rate, factor).repeat(factor, -2).repeat(factor, -1)
    return np.divide(rate, total, out=np.zeros_like(rate), where=total > 0)


def _ground(rows, cols, type_shares, seed):
    types = type_map(rows, cols, type_shares, 1.3, seed)
    roads = road_maps(rows, cols, seed)
    land = types != TYPES.index("water")
    roads |= {
        rank: roads[rank] * land for rank in ("street", "avenue")
    }  # no bridge but motorways
    return {"type": types, "mass": masses(types, seed), **roads}


def _loadings(ground, cell_m, decay_m):
    """Where each component's entries fall, [purpose, part, district, row, col]."""
    shape = ground["mass"].shape
    kernel, near = (decay_kernel(*shape, cell_m, decay) for decay in (decay_m, decay_m / 6))
    local = 0.2 + ground["street"]
    maps = []
    for purpose in PURPOSES:
        home, away = ends(purpose, ground["type"], ground["mass"])
        sent, received = trip_ends(home, away, kernel)
        through = spread(sent + received, near)
        passing = [ground[rank] * through for rank in ("avenue", "motorway")]
        maps.append([received * local, sent * local, *passing])
    return np.array(maps)[:, :, None] * districts(*shape)


def _levels(sky, volume):
    """Volume of each component [time, purpose, part, district]; rain favours motorways."""
    wet = sky["wetness"].to_numpy()[:, None, None]
    out, back = volume[:, :, 0], volume[:, :, 1]
    passing = (out + back) / 2
    parts = [out, back, passing * np.exp(-0.3 * wet), passing * np.exp(0.3 * wet)]
    return np.stack(parts, axis=2)


def _calibrate(level, loading, mean_flow, road_share):
    """Scale loadings so that arrivals and passing traffic have the means asked for."""
    mean = (level.mean(0) * loading.mean((-2, -1))).sum((0, 2))  # per part
    arrive, pass_by = mean[:2].sum(), mean[2:].sum()
    scale = np.array([1 - road_share] * 2 + [road_share] * 2)
    scale = mean_flow * scale / np.array([arrive, arrive, pass_by, pass_by])
    return loading * scale[:, None, None, None]


def _truth(ground, sky, level, loading):
    names = [f"{p} {part} {d}" for p in PURPOSES for part in PARTS for d in range(DISTRICTS)]
    maps = {key: (("row", "col"), value) for key, value in ground.items()}
    rows, cols = ground["mass"].shape
    return xr.Dataset(
        maps | {
            "level": (("time", "component"), level.reshape(len(sky), -1)),
            "loading": (("component", "row", "col"), loading.reshape(-1, rows, cols)),
            "wetness": ("time", sky["wetness"].to_numpy()),
        },
        coords={"time": sky.index.as_unit("ns"), "component": names},
        attrs={"types": TYPES},
    )  # fmt: skip


def _counts(truth, steps_per_day, seed):
    """Poisson counts [time, 1, row, col], one stream per day: threads change nothing."""
    steps = truth.sizes["time"]
    flow = np.empty((steps, 1, *truth["mass"].shape), np.float32)

    def draw(day):
        part = slice(day * steps_per_day, (day + 1) * steps_per_day)
        flow[part, 0] = substream(seed, "counts", day).poisson(fine_rate(truth, part))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(draw, range(steps // steps_per_day)))
    return flow
