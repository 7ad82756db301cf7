"""Rides to grids: plain loops, what is left out, and the real rides."""

import io
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import trips
from stflow_lib.data.readers.trip_tables import read_trips
from stflow_lib.data.schema import Box

# drawn maps are small: most is left out
pytestmark = pytest.mark.filterwarnings("ignore:trips. ")

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
    if not want.any():
        with pytest.raises(DataError, match="none of .* places is counted"):
            grids_of(table(*rows))
        return
    flow = grids_of(table(*rows))
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
    lost = sum(flow.attrs[f"dropoffs_{rule}"] for rule in ("nowhere", "outside", "late"))
    assert flow.sel(direction="dropoff").sum() == rides - backwards - lost


PLACE = (41.1, -87.9, 41.1, -87.9)
YEAR = 365 * 24 * 60


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
@pytest.mark.parametrize(
    ("minutes", "row", "stamp"),
    [((0, 60, 10 * YEAR), 2, "2030-12-30"), ((60, -51 * YEAR, 90), 1, "1970-01-14"),
     ((0, 10 * YEAR), 1, "2030-12-30")],
)  # fmt: skip
def test_a_stray_ride_is_named_with_its_row(zone, minutes, row, stamp):
    """Not 92,004 empty hours, and not the fault of daylight saving."""
    rides = table(*((at, at + 5, *PLACE) for at in minutes))
    with pytest.raises(DataError, match=f"trips: a stray ride, .*: row {row} starts {stamp}"):
        grids_of(rides, zone=zone)


def test_rides_off_the_given_days_are_counted():
    """First and last day give whole days of steps, whatever lies in the file."""
    rides = table(*((at, at + 5, *PLACE) for at in (-51 * YEAR, -1, 0, 2879, 2880, 10 * YEAR)))
    flow = trips.trip_grids(
        rides, BOX, 4, 3, 60, "America/Chicago", first="2021-01-01", last="2021-01-02"
    )
    assert flow.sizes["time"] == 48 and flow.attrs["rides_off_span"] == 4
    assert flow.sel(direction="pickup").sum(("row", "col")).values.nonzero()[0].tolist() == [
        0,
        47,
    ]
    assert flow.attrs["dropoffs_late"] == 1 and flow.attrs["rides"] == 6
    one_side = trips.trip_grids(rides[:5], BOX, 4, 3, 60, "UTC", first="2021-01-01")
    assert one_side.sizes["time"] == 49 and one_side.attrs["rides_off_span"] == 2
    with pytest.raises(DataError, match=r"no ride starts from 2022-01-01"):
        trips.trip_grids(rides, BOX, 4, 3, 60, "UTC", first="2022-01-01", last="2022-01-02")
    with pytest.raises(DataError, match="'soon' is no time"):
        trips.trip_grids(rides, BOX, 4, 3, 60, "UTC", first="soon")


def test_ends_of_two_decimals_are_counted():
    """Both axes must be coarse; an end off the box is one too, an unknown one is none."""
    rides = table((0, 5, 41.1, -87.9, 41.12345, -87.9), (1, 5, 41.0, -87.85, 41.1, math.nan),
                  (2, 5, 41.12345, -87.91234, 45.5, -87.9))  # fmt: skip
    attrs = grids_of(rides).attrs
    assert (attrs["pickups_rounded"], attrs["dropoffs_rounded"]) == (2, 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [([(0, 5, -87.9, 41.1, -87.9, 41.1)], r"none of 2 places .* latitude -87.9..-87.9"),
     ([(5, 0, *PLACE)], r"none of 0 places .*'rides_backwards': 1"),
     ([(0, 5, *[math.nan] * 4)], r"none of 0 places .*'pickups_nowhere': 1"),
     ([(0, 5, *PLACE), (1, 5, 411.0, -87.9, 41.1, -87.9)], "start_lat of row 1 is not degrees"),
     ([(0, 5, *PLACE), (1, 5, 41.1, -87.9, 41.1, math.inf)], "end_lon of row 1 is not degrees")],
)  # fmt: skip
def test_rides_of_another_place_or_none_are_refused(rows, message):
    """A map without a single ride is no quiet city."""
    with pytest.raises(DataError, match=message):
        grids_of(table(*rows))


def test_a_map_that_lost_most_ends_says_so():
    rows = [(0, 5, *PLACE), (1, 5, 45.1, -87.9, 45.1, -87.9), (2, 5, 45.1, -87.9, 45.1, -87.9)]
    with pytest.warns(
        UserWarning, match=r"trips: 2 of 6 ends are counted.*'pickups_outside': 2"
    ):
        grids_of(table(*rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grids_of(table(*rows[:2]))


def test_times_that_are_not_wall_clock_are_refused():
    """An offset says another hour than the wall; text has no order; a missing time no step."""
    rides = table((0, 5, *PLACE), (1, 5, *PLACE))
    aware = rides.assign(start=rides["start"].dt.tz_localize("UTC"))
    for bad in (aware, rides.assign(start=rides["start"].astype(str))):
        with pytest.raises(DataError, match="trips: start is .*, not wall-clock time"):
            grids_of(bad)
    rides.loc[1, "end"] = pd.NaT
    with pytest.raises(DataError, match="trips: end of row 1 is not a time"):
        grids_of(rides)
    with pytest.raises(DataError, match="trips: start_lat: object is no number"):
        grids_of(table((0, 5, *PLACE)).assign(start_lat="41,1"))
