"""Sensor graphs: speeds of simulated traffic, measured with noise and with gaps."""

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.adjacency import gaussian_kernel
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import graph_city, with_content_hash
from stflow_lib.data.simulate.landuse import CENTRAL, LAND_SHARES, TYPES, assign, cell_counts
from stflow_lib.data.simulate.layout import Layout, make_layout
from stflow_lib.data.simulate.purposes import PURPOSES, rhythm
from stflow_lib.data.simulate.streams import ar1_noise, substream
from stflow_lib.data.simulate.traffic import Diagram, run
from stflow_lib.data.simulate.weather import SOURCE, make_sky

KM_PER_MILE = 1.609344
KM_PER_DEGREE = 111.195
WARM_UP_HOURS = 3


def simulate_speed(
    sensors: int = 48,
    days: int = 14,
    step_minutes: int = 5,
    seed: int = 0,
    *,
    name: str = "sim-speed",
    start: str = "2025-03-03",
    type_shares: dict[str, float] = LAND_SHARES,
    free_kmh: float = 105.0,
    spacing_km: float = 0.8,
    load: float = 1.2,
    unit: str = "mph",
    noise_kmh: float = 2.0,
    missing: float = 0.05,
) -> tuple[xr.Dataset, xr.Dataset]:
    """A sensor graph with speeds in `unit` ("mph" or "km/h"), and its truth.

    `type_shares` are the shares of the land uses around the sensors (their on-ramps follow the
    rhythm of that use), `load` the busiest demand of a road in parts of its capacity,
    `missing` the expected share of gaps. City: speed (time, node), adjacency (node, node_to),
    lat, lon. Truth: complete (measured before gaps, in `unit`), density (vehicles/km), flow
    (vehicles/h), capacity, missing (time, node), type, way, lane_drop, x, y (node), distance
    (node, node_to), incidents as a table in attrs. DataError for impossible settings.
    """
    _check(sensors, spacing_km, free_kmh, unit, missing)
    sky = make_sky(start, days, step_minutes, seed)
    layout = make_layout(sensors, spacing_km, seed)
    types = node_types(layout, type_shares, seed)
    diagram = Diagram(free_kmh)
    capacity, drops, incidents = capacities(sky, sensors, diagram, seed)
    slow = np.exp(-0.06 * sky["wetness"].to_numpy())[:, None] * _pace(sensors, seed)
    demand = demands(sky, types, layout, load * diagram.capacity, seed)
    warm_up = WARM_UP_HOURS * 60 // step_minutes
    by_day = [in_days(series, days, warm_up) for series in (demand, capacity, slow)]
    waves = run(*by_day, step_minutes / 60, diagram, layout.roads)
    density, flow = (in_a_row(wave, len(sky) // days) for wave in waves)
    speed = _measure(flow / np.maximum(density, 1e-9), noise_kmh, step_minutes, seed)
    speed = (speed / (KM_PER_MILE if unit == "mph" else 1)).astype(np.float32)
    gone = gaps(speed.shape, missing, step_minutes, seed)
    truth = _truth(sky, layout, types, drops, incidents,
                   complete=speed, density=density, flow=flow, capacity=capacity,
                   missing=gone)  # fmt: skip
    city = graph_city(
        np.where(gone, np.nan, speed), sky.index, gaussian_kernel(layout.distance),
        layout.y / KM_PER_DEGREE, layout.x / KM_PER_DEGREE,
        name=name, step_minutes=step_minutes, unit=unit, **SOURCE,
    )  # fmt: skip
    return with_content_hash(city), truth


def _check(sensors, spacing_km, free_kmh, unit, missing):
    if unit not in ("mph", "km/h"):
        raise DataError(f"unit={unit!r} is neither 'mph' nor 'km/h'")
    if sensors < 8 or not spacing_km > 0 or not free_kmh > 0:
        raise DataError(f"sensors={sensors}, spacing_km={spacing_km}, free_kmh={free_kmh}: at "
                        "least 8 sensors, positive spacing and speed")  # fmt: skip
    if not 0 <= missing < 1:
        raise DataError(f"missing={missing}: a share below 1")


def node_types(layout: Layout, type_shares: dict, seed: int) -> np.ndarray:
    """Land use around each sensor [N], shares exact: smooth along roads, offices central."""
    near = np.exp(-(layout.x**2 + layout.y**2) / (2 * (0.5 * layout.x.std() + 1) ** 2))
    score = []
    for name in TYPES:
        rng = substream(seed, f"field of {name}")
        wave, phase = rng.normal(0, 0.5, (6, 2)), rng.uniform(0, 2 * np.pi, 6)
        field = np.cos(wave @ np.stack([layout.x, layout.y]) + phase[:, None]).mean(0)
        score.append(2.5 * field + CENTRAL[name] * near)
    return assign(np.array(score), cell_counts(type_shares, len(layout.x)))


def departures(land_use: str, clock: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Rhythm [T] of the trips that start at a land use, largest value 1 (water: zeros)."""

    def curve(hour, off):
        return sum(
            p.volume * (end.get(land_use, 0) * rhythm(way[off], hour))
            for p in PURPOSES.values()
            for end, way in ((p.home, p.out), (p.away, p.back))
        )

    day = np.arange(0, 24, 0.25)
    peak = max(np.max(curve(day, 0)), np.max(curve(day, 1)))
    return np.where(free, curve(clock, 1), curve(clock, 0)) / (peak or 1.0)


def demands(sky, types, layout: Layout, flow: float, seed: int) -> np.ndarray:
    """Vehicles/h that reach each on-ramp [T, N]; Poisson counts around a wandering mean.

    On-ramps replace what the off-ramps take from a road of `flow` vehicles/h; the first cell of
    a carriageway has the road's whole flow.
    """
    rhythms = np.stack([departures(u, sky["clock"].values, sky["free"].values) for u in TYPES])
    step_hours = (sky.index[1] - sky.index[0]) / pd.Timedelta("1h")
    rng = substream(seed, "demand")
    size = np.where(layout.roads.first, 1.0, layout.roads.leave) * rng.uniform(
        0.8, 1.2, len(types)
    )
    mood = np.exp(0.12 * ar1_noise(rng, (len(sky), len(types)), step_hours, 4.0))
    rate = flow * size * rhythms[types].T * mood
    return rng.poisson(rate * step_hours) / step_hours


def capacities(sky, sensors: int, diagram: Diagram, seed: int):
    """Capacity [T, N] in vehicles/h, the lane drops [N] (bool), and a table of incidents.

    One cell in twelve has lost a lane (x 0.8); rain costs up to 17 %; incidents (one per 120
    sensor-days, between 6 and 21 h) leave 35 % for 20 minutes to 2 hours.
    """
    rng = substream(seed, "incidents")
    drops = np.zeros(sensors, bool)
    drops[rng.choice(sensors, sensors // 12, replace=False)] = True
    day = (sky.index[-1] - sky.index[0]).days + 1
    count = rng.poisson(sensors * day / 120)
    begin = rng.integers(day, size=count) * 24 + rng.uniform(6, 21, count)
    table = pd.DataFrame({"node": rng.integers(sensors, size=count), "begin_h": begin})
    table["end_h"] = table.begin_h + rng.uniform(0.33, 2, count)
    wet = np.exp(-0.12 * sky["wetness"].to_numpy())
    capacity = diagram.capacity * np.where(drops, 0.8, 1.0) * wet[:, None]
    hour = (sky.index - sky.index[0].normalize()) / pd.Timedelta("1h")
    for event in table.itertuples():
        capacity[(hour >= event.begin_h) & (hour < event.end_h), event.node] *= 0.35
    return capacity, drops, table.sort_values("begin_h", ignore_index=True)


def in_days(series: np.ndarray, days: int, warm_up: int) -> np.ndarray:
    """[T, N] -> float32 [warm_up + steps of a day, days, N]: each day after its eve.

    Days run side by side; the first borrows its own evening. Nights are free of queues, so what
    is cut at midnight is little.
    """
    steps = len(series) // days
    index = np.arange(days) * steps + np.arange(-warm_up, steps)[:, None]
    return series[np.where(index < 0, index + steps, index)].astype(np.float32)


def in_a_row(waves: np.ndarray, steps: int) -> np.ndarray:
    """[warm_up + steps, days, N] -> float32 [days x steps, N], without the warm-up."""
    kept = waves[-steps:].swapaxes(0, 1)
    return kept.reshape(-1, waves.shape[-1]).astype(np.float32)


def _pace(sensors, seed):
    """Free speed of each sensor in parts of the fastest, 0.9 to 1."""
    return substream(seed, "pace").uniform(0.9, 1.0, sensors)


def _measure(speed, noise_kmh, step_minutes, seed):
    noise = ar1_noise(substream(seed, "noise"), speed.shape, step_minutes / 60, 0.1)
    return np.maximum(speed + noise_kmh * noise, 1.0)


def gaps(shape: tuple, missing: float, step_minutes: int, seed: int) -> np.ndarray:
    """Where readings are lost, bool [T, N]: single steps, hours, the whole network.

    Outages of mean length m start at the rate -log(1 - p) / m, so they cover the share p; the
    three kinds together cover `missing`.
    """
    rng = substream(seed, "gaps")
    kept = np.ones(shape, bool)
    kinds = (
        (0.2, 1, shape[1]),
        (0.65, 180 / step_minutes, shape[1]),
        (0.15, 60 / step_minutes, 1),
    )
    for part, mean, columns in kinds:
        rate = -part * np.log(1 - missing) / mean
        starts = rng.poisson(rate, (shape[0], columns))
        kept &= ~_covered(starts, mean, rng)
    return ~kept


def _covered(starts, mean, rng):
    """True from each start for a geometric number of steps of the given mean."""
    time, column = np.nonzero(starts)
    length = rng.geometric(1 / mean, len(time))
    change = np.zeros((len(starts) + 1, starts.shape[1]), int)
    np.add.at(change, (time, column), 1)
    np.add.at(change, (np.minimum(time + length, len(starts)), column), -1)
    return change[:-1].cumsum(0) > 0


def _truth(sky, layout, types, drops, incidents, **series):
    node = {"type": types, "way": layout.way, "lane_drop": drops, "x": layout.x, "y": layout.y}
    arrays = {key: (("time", "node"), value) for key, value in series.items()}
    arrays |= {key: ("node", value) for key, value in node.items()}
    arrays["distance"] = (("node", "node_to"), layout.distance)
    arrays["wetness"] = ("time", sky["wetness"])
    coords = {"time": sky.index.as_unit("ns")}
    return xr.Dataset(arrays, coords, attrs={"types": TYPES, "incidents": incidents})
