"""Rides to grids: plain loops, what is left out, and the real rides."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import trips
from stflow_lib.data.readers.trip_tables import read_trips
from stflow_lib.data.schema import Box

BOX = Box(41.0, 41.2, -88.0, -87.7)  # 4 x 3 cells of 0.05 x 0.1 degrees


def table(*rows):
    """Rides from (start minute, end minute, lat, lon, lat, lon), minutes of 2021-01-01."""
    day = pd.Timestamp("2021-01-01")
    frame = pd.DataFrame([row[2:] for row in rows], columns=trips.COLUMNS[2:], dtype=float)
    for at, name in enumerate(("start", "end")):
        minutes = [row[at] for row in rows]
        frame.insert(at, name, day + pd.to_timedelta(minutes, unit="min"))
    return frame


def grids_of(frame, step=60, zone="America/Chicago"):
    return trips.trip_grids(frame, BOX, 4, 3, step, zone)


lats = st.sampled_from([40.99, 41.0, 41.04999, 41.05, 41.12, 41.19999, 41.2, math.nan])
lons = st.sampled_from([-88.01, -88.0, -87.90001, -87.9, -87.75, -87.7])
minutes = st.integers(0, 400)


@given(st.lists(st.tuples(minutes, minutes, lats, lons, lats, lons), min_size=1, max_size=15))
def test_grids_equal_a_plain_loop(rows):
    """Ends on borders, off the box, unknown, late or backwards: counted or reported, once."""
    flow = grids_of(table(*rows))
    first, last = (bound(row[0] for row in rows) // 60 for bound in (min, max))
    want, left_out = (
        np.zeros((last - first + 1, 2, 4, 3)),
        {"outside": 0, "nowhere": 0, "late": 0},
    )
    for start, end, *places in rows:
        for direction, minute in enumerate((start, end) if end >= start else ()):
            lat, lon = places[2 * direction : 2 * direction + 2]
            inside = 41.0 <= lat < 41.2 and -88.0 <= lon < -87.7
            lost = "nowhere" if math.isnan(lat) else "late" if minute // 60 > last else None
            lost = "outside" if lost != "nowhere" and not inside else lost
            if lost:
                left_out[lost] += 1
                continue
            row, col = (round(1e5 * x) for x in (lat - 41.0, lon + 88.0))
            want[minute // 60 - first, direction, 3 - row // 5000, col // 10000] += 1
    np.testing.assert_array_equal(flow, want)
    for rule, number in left_out.items():
        keys = [key for key in flow.attrs if key.endswith(rule)]
        assert sum(flow.attrs[key] for key in keys) == number
    assert flow.attrs["rides_backwards"] == sum(row[1] < row[0] for row in rows)
    assert flow.attrs["rides"] == len(rows)


def test_a_daylight_saving_hour_is_refused():
    """Chicago 2021: 02:00 on 14 March is skipped and 01:00 on 7 November comes twice."""
    for day, step in (("2021-03-14", "02:00"), ("2021-11-07", "01:00")):
        rides = table((0, 5, 41.1, -87.9, 41.1, -87.9), (600, 605, 41.1, -87.9, 41.1, -87.9))
        shift = pd.Timestamp(day) - pd.Timestamp("2021-01-01")
        rides[["start", "end"]] += shift
        with pytest.raises(DataError, match=f"Chicago change in the step from {day} {step}"):
            grids_of(rides)
        assert grids_of(rides, zone="UTC").sizes["time"] == 11


@pytest.mark.parametrize(
    "step, zone, message",
    [
        (50, "UTC", "step_minutes=50: a step must divide"),
        (60, "Mars/Base", "'Mars/Base' is not"),
    ],
)
def test_bad_clock_parameters_are_named(step, zone, message):
    with pytest.raises(DataError, match=message):
        grids_of(table((0, 5, 41.1, -87.9, 41.1, -87.9)), step, zone)


def test_empty_and_foreign_tables_are_refused():
    with pytest.raises(DataError, match="trips: no rides"):
        grids_of(table())
    with pytest.raises(DataError, match=r"trips: columns \['start', 'end'"):
        grids_of(pd.read_csv(io.StringIO("start_lat,start_lon,end_lat,end_lon\n")))


def test_city_keeps_the_contract():
    """Left-out counts travel with the city."""
    rides = table((0, 5, 41.1, -87.9, 41.1, math.nan), (70, 75, 41.1, -87.9, 41.1, -87.9))
    card = {"name": "toy", "source": "made up", "licence": "none"}
    city = trips.rides_city(rides, BOX, 4, 3, 60, "America/Chicago", **card)
    assert city["flow"].shape == (2, 2, 4, 3) and city.attrs["dropoffs_nowhere"] == 1
    assert city["direction"].values.tolist() == ["pickup", "dropoff"]


@pytest.mark.parametrize(
    "file, zone, rides, backwards, nowhere",
    [("divvy", "America/Chicago", 146_456, 2, 316),
     ("capitalbikeshare", "America/New_York", 177_575, 62, 263)],
)  # fmt: skip
def test_the_real_rides(real_data, file, zone, rides, backwards, nowhere):
    """Known sizes; both cover the same 59 days of hours, so they can be paired."""
    paths = [real_data / "bikes-2021" / f"20210{month}-{file}-tripdata.zip" for month in (1, 2)]
    if not all(path.exists() for path in paths):
        pytest.skip("real data: bikes-2021 is not in the folder")
    flow = trips.trip_grids(read_trips(paths), Box(38, 43, -88, -76), 5, 5, 60, zone)
    assert flow.shape == (59 * 24, 2, 5, 5)
    kept = {"rides": rides, "rides_backwards": backwards, "dropoffs_nowhere": nowhere}
    assert {key: flow.attrs[key] for key in kept} == kept
    lost = sum(value for key, value in flow.attrs.items() if key.startswith("dropoffs"))
    assert flow.sel(direction="dropoff").sum() == rides - backwards - lost
