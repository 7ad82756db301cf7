"""Invented trips: a table as operators publish it, which the reader takes as it is."""

import pandas as pd

from stflow_lib.data.readers.your_trips import read_trips
from stflow_lib.data.simulate.trips import simulate_trips, write_trips


def test_as_many_as_asked_within_the_days():
    rides = simulate_trips(days=3, trips_a_day=100)
    start, end = (pd.to_datetime(rides[name]) for name in ("started_at", "ended_at"))
    assert len(rides) == rides.ride_id.nunique() == 300 and (end >= start).all()
    assert start.min() >= pd.Timestamp("2024-05-06") and start.max() < pd.Timestamp(
        "2024-05-09"
    )


def test_the_reader_takes_the_file_and_the_seed_decides(tmp_path):
    path = write_trips(tmp_path / "deep" / "t.csv", days=2, trips_a_day=50)
    assert len(read_trips(path)) == 100
    assert simulate_trips(2, 50).equals(simulate_trips(2, 50))
    assert not simulate_trips(2, 50).equals(simulate_trips(2, 50, seed=1))


def test_the_morning_goes_inwards():
    rides = simulate_trips(days=20)
    hour = pd.to_datetime(rides.started_at).dt.hour
    spread = {end: rides[hour.between(7, 9)][f"{end}_lat"].std() for end in ("start", "end")}
    assert spread["end"] < 0.7 * spread["start"]
