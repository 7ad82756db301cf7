"""A file of invented trips, in the layout of today's bike systems."""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.files.write import write_atomic

CENTRE, SPREAD = (40.73, -73.99), (0.02, 0.025)  # degrees


def simulate_trips(days: int = 21, trips_a_day: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Rides between places around a centre: towards it in the morning, out in the evening.

    Columns as operators publish them: ride_id, started_at, ended_at and degrees of both ends.
    """
    random, count = np.random.default_rng(seed), days * trips_a_day
    day = random.integers(days, size=count)
    morning = random.random(count) < 0.45
    hour = np.where(morning, random.normal(8.5, 2, count), random.normal(17.5, 3, count)) % 24
    start = pd.Timestamp("2024-05-06") + pd.to_timedelta(day * 24 + hour, unit="h")
    end = start + pd.to_timedelta(random.gamma(3, 5, count), unit="min")
    wide, narrow = (random.normal(CENTRE, np.multiply(SPREAD, s), (count, 2)) for s in (1, 0.4))
    origin, goal = (
        np.where(morning[:, None], *pair) for pair in ((wide, narrow), (narrow, wide))
    )
    places = np.round(np.concatenate([origin, goal], 1), 5)
    names = ("start_lat", "start_lng", "end_lat", "end_lng")
    stamps = {
        n: t.strftime("%Y-%m-%d %H:%M:%S")
        for n, t in (("started_at", start), ("ended_at", end))
    }
    return pd.DataFrame({"ride_id": [f"ride{n}" for n in range(count)], **stamps,
                         **dict(zip(names, places.T, strict=True))})  # fmt: skip


def write_trips(path: Path | str, **settings) -> Path:
    """Write `simulate_trips` to a CSV file; -> where it lies."""
    write_atomic(Path(path), simulate_trips(**settings).to_csv(index=False).encode())
    return Path(path)
