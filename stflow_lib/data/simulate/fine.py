"""Fine maps: vehicles that enter each fine cell, with the truth that produced them.

rate(t, i) = sum_k level_k(t) loading_k(i), and the flow is Poisson. A component k is a purpose
and a part of the journey (arrival out or back, avenue, motorway) in one of four districts.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from stflow_lib.data.schema import block_sum, grid_city, seal
from stflow_lib.data.simulate.gravity import decay_kernel, spread, trip_ends
from stflow_lib.data.simulate.landuse import DEFAULT_SHARES, TYPES, masses, type_map
from stflow_lib.data.simulate.purposes import PURPOSES, WAYS, levels, pull
from stflow_lib.data.simulate.roads import road_maps
from stflow_lib.data.simulate.streams import stream, wander
from stflow_lib.data.simulate.weather import FACTORS, make_sky

PARTS = (*WAYS, "avenue", "motorway")
DISTRICTS = 4
SOURCE = {"zone": "nominal", "source": "simulated by stflow_lib", "licence": "MIT"}


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
    loading = _loadings(ground, decay_kernel(rows, cols, cell_m, decay_m), decay_m / cell_m)
    level = _levels(sky, step_minutes / 60, mood, seed)
    loading = _calibrate(level, loading, mean_flow, road_share)
    truth = _truth(ground, sky, level, loading)
    city = grid_city(_counts(truth, 1440 // step_minutes, seed), sky.index, ["entries"],
                     name=name, step_minutes=step_minutes, cell_m=cell_m,
                     unit=f"vehicles per {step_minutes} min", **SOURCE)  # fmt: skip
    external = sky[list(FACTORS)].to_numpy(np.float32)
    city["external"] = (("time", "factor"), external)
    return seal(city.assign_coords(factor=list(FACTORS))), truth


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
    mass = masses(types, seed)
    roads = road_maps(rows, cols, seed)
    land = types != TYPES.index("water")
    roads |= {rank: roads[rank] * land for rank in ("street", "avenue")}
    return {"type": types, "mass": mass, **roads}


def _loadings(ground, kernel, decay_cells):
    """Where each component's entries fall, [purpose, part, district, row, col]."""
    near = decay_kernel(*ground["mass"].shape, 1.0, decay_cells / 6)
    local = 0.2 + ground["street"]
    maps = []
    for purpose in PURPOSES.values():
        home = pull(purpose.home, ground["type"], ground["mass"])
        away = pull(purpose.away, ground["type"], ground["mass"])
        sent, received = trip_ends(home, away, kernel)
        through = spread(sent + received, near)
        ranks = [ground["avenue"] * through, ground["motorway"] * through]
        maps.append([received * local, sent * local, *ranks])
    return np.array(maps)[:, :, None] * districts(*ground["mass"].shape)


def districts(rows: int, cols: int) -> np.ndarray:
    """Four smooth weights [4, rows, cols] that sum to 1 in each cell: the quarters of a city."""
    r, c = np.mgrid[:rows, :cols] / np.array([rows - 1, cols - 1]).reshape(2, 1, 1)
    bump = lambda y, x: np.exp(-((r - y) ** 2 + (c - x) ** 2) / (2 * 0.25**2))
    weights = np.array([bump(y, x) for y in (0.25, 0.75) for x in (0.25, 0.75)])
    return weights / weights.sum(0)


def _levels(sky, step_hours, mood, seed):
    """Volume of each component [time, purpose, part, district], moods and weather included."""
    wet = sky["wetness"].to_numpy()
    shape = (len(sky), len(PURPOSES), 1, DISTRICTS)
    z = wander(stream(seed, "moods"), shape, step_hours, 3.0)
    volume = []
    for name in PURPOSES:
        out, back = (levels(name, way, sky) for way in WAYS)
        passing = (out + back) / 2
        volume.append([out, back, passing * np.exp(-0.3 * wet), passing * np.exp(0.3 * wet)])
    volume = np.moveaxis(np.array(volume), -1, 0)[..., None]
    return volume * np.exp(mood * z - mood**2 / 2)


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
    """Poisson counts [time, 1, row, col], one random stream per day (so threads change nothing)."""
    steps = truth.sizes["time"]
    flow = np.empty((steps, 1, *truth["mass"].shape), np.float32)

    def draw(day):
        part = slice(day * steps_per_day, (day + 1) * steps_per_day)
        flow[part, 0] = stream(seed, "counts", day).poisson(fine_rate(truth, part))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(draw, range(steps // steps_per_day)))
    return flow
