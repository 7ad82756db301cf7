"""From anybody's trips to a forecast: odd files give what the plain one gives, at any step."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data.readers.your_trips import trips_city
from stflow_lib.data.simulate.trips import simulate_trips
from stflow_lib.gridflow import forecast

ZONE = "America/New_York"
MINE = {"start": "von", "end": "bis", "start_lat": "y1", "start_lon": "x1", "end_lat": "y2",
        "end_lon": "x2"}  # fmt: skip
NIGHT = ["night", "2024-05-07 23:50:00", "2024-05-08 00:10:00"]


@pytest.fixture(scope="module")
def rides():
    """Four days cut at 14:00, with a ride over a midnight."""
    found = simulate_trips(days=4, trips_a_day=150)
    night = found.head(1).assign(**dict(zip(["ride_id", "started_at", "ended_at"], NIGHT,
                                            strict=True)))  # fmt: skip
    found = pd.concat([found, night], ignore_index=True)
    last = pd.to_datetime(found.ended_at).max().normalize() + pd.Timedelta("14h")
    return found[pd.to_datetime(found.ended_at) < last]


def odd(rides: pd.DataFrame) -> bytes:
    """Own names, a BOM, semicolons, decimal commas, offsets, and a ride of another year."""
    table = rides.copy()
    for name in ("started_at", "ended_at"):
        local = pd.to_datetime(table[name]).dt.tz_localize(ZONE)
        table[name] = local.map(lambda s: s.tz_convert("UTC").isoformat())
    old = table.head(1).assign(ride_id="old", started_at="2012-05-06T14:00:00+00:00",
                               ended_at="2012-05-06T14:10:00+00:00")  # fmt: skip
    table = pd.concat([table, old])
    own = dict(zip(("started_at", "ended_at", "start_lat", "start_lng", "end_lat", "end_lng"),
                   MINE.values(), strict=True))  # fmt: skip
    text = table.rename(columns=own).to_csv(index=False, sep=";", decimal=",")
    return b"\xef\xbb\xbf" + text.encode()


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_an_odd_file_gives_the_forecast_of_the_plain_one(rides, tmp_path, minutes):
    rides.to_csv(tmp_path / "plain.csv", index=False)
    (tmp_path / "odd.csv").write_bytes(odd(rides))
    size = {"cell_m": 1500, "step_minutes": minutes}
    plain = trips_city(tmp_path / "plain.csv", ZONE, **size)
    other = trips_city(tmp_path / "odd.csv", ZONE, columns=MINE, **size)
    assert other.attrs["rides_astray"] == 1 and np.array_equal(other.flow, plain.flow)
    want, found = (forecast(city, hours=1, method="Previous hour") for city in (plain, other))
    assert found.sizes["time"] == 60 // minutes
    assert found.time.values[0] == plain.time.values[-1] + np.timedelta64(minutes, "m")
    for name in ("mean", "lower", "upper"):
        assert np.array_equal(found[name], want[name])


def test_a_ride_over_midnight_ends_on_the_next_day(rides, tmp_path):
    """Without it one start before and one end after twelve are missing, and nothing else."""
    counts = []
    for table in (rides, rides[rides.ride_id != "night"]):
        table.to_csv(tmp_path / "t.csv", index=False)
        counts.append(trips_city(tmp_path / "t.csv", ZONE, cell_m=1500).flow)
    gap = counts[0] - counts[1]
    assert gap.sel(direction="pickup", time="2024-05-07 23:00").sum() == 1
    assert gap.sel(direction="dropoff", time="2024-05-08 00:00").sum() == 1
    assert abs(gap).sum() == 2
