"""GPS fixes to maps: plain loops, local time, and cities that keep the contract."""

import inspect
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize import gps
from stflow_lib.data.schema import Box
from tests.data.rasterize.drawn import (
    BOX,
    COLS,
    NOON,
    ROWS,
    cell,
    count,
    fixes,
    gaps,
    points,
    track,
)

# drawn maps are small: most is left out
pytestmark = pytest.mark.filterwarnings("ignore:toy. ")


def touches(rows):
    """Whether fixes of (taxi, time, lat, lon, ...) reach into the rows and columns of BOX."""
    lat, lon = np.array([row[2:4] for row in rows]).T
    return lat.max() >= 0 and lat.min() < 40 and lon.max() >= 0 and lon.min() < 60


def test_no_fix_and_one_fix():
    """Nothing to join is no error: no step, or one empty step."""
    assert count(fixes()).shape == (0, ROWS, COLS)
    assert count(track((5, 5))).shape == (1, ROWS, COLS) and not count(track((5, 5))).any()
    time, counts = gps.pickups_dropoffs(fixes(), BOX, ROWS, COLS, 30, "UTC")
    assert len(time) == 0 and counts.shape == (0, 2, ROWS, COLS)


def test_time_is_local_and_a_daylight_saving_hour_is_refused():
    """10:00 UTC in May is 03:00 in San Francisco; its clocks jump on 2008-03-09 at 02:00."""
    may = pd.Timestamp("2008-05-17 10:25", tz="UTC").timestamp()
    zone = "America/Los_Angeles"
    time, _ = gps.entry_counts(fixes((0, int(may), 5, 5)), BOX, 1, 1, 30, zone=zone)
    assert list(time) == [pd.Timestamp("2008-05-17 03:00")] and time.dtype == "datetime64[ns]"
    march = int(pd.Timestamp("2008-03-09 09:00", tz="UTC").timestamp())
    with pytest.raises(
        DataError, match=r"Los_Angeles change in the step from 2008-03-09 01:30"
    ):
        gps.entry_counts(
            fixes((0, march, 5, 5), (0, march + 7200, 5, 5)), BOX, 1, 1, 30, zone=zone
        )


rides = st.lists(
    st.tuples(st.integers(0, 1), gaps, points, st.booleans()), min_size=1, max_size=20
)


@given(rides)
def test_pickups_and_dropoffs_equal_a_plain_loop(rides):
    """Both flags of one taxi only, at the later fix: the loop says it in words."""
    clock, rows, want = {}, [], {}
    for taxi, gap, (lat, lon), busy in sorted(rides, key=lambda ride: ride[0]):
        clock[taxi] = clock.get(taxi, NOON) + gap
        rows.append((taxi, clock[taxi], lat, lon, busy))
    first = min(row[1] for row in rows) // 60
    for (taxi, _, _, _, was), (other, time, lat, lon, now) in pairwise(rows):
        row, col = cell(lat, lon, ROWS, COLS, BOX)
        if taxi == other and was != now and 0 <= row < ROWS and 0 <= col < COLS:
            at = time // 60 - first, int(was), ROWS - 1 - row, col
            want[at] = want.get(at, 0) + 1
    assume(touches(rows))
    counts = gps.pickups_dropoffs(fixes(*rows), BOX, ROWS, COLS, 1, zone="UTC")[1]
    assert {tuple(map(int, at)): counts[tuple(at)] for at in np.argwhere(counts)} == want


def test_cities_keep_the_contract():
    """Row 0 north, local time, rules and box in the attributes; the hash is sealed in."""
    card = {"name": "toy", "source": "made up", "licence": "none"}
    city = gps.entry_flow_city(track((5, 5), (35, 5)), BOX, ROWS, COLS, 1, zone="UTC", **card)
    assert city["flow"].dims == ("time", "direction", "row", "col")
    assert city["flow"].isel(direction=0).sum("time").values[:, 0].tolist() == [1, 1, 1, 0]
    assert city.attrs["max_gap_s"] == 180 and city.attrs["lat_max"] == 0.0004
    assert city.attrs["cell_m"] == pytest.approx(11.1, abs=0.05)
    trips = gps.trips_city(
        fixes((0, 0, 5, 5, 0), (0, 60, 5, 5, 1), (0, 120, 5, 5, 0)), BOX, 2, 2, 1, "UTC", **card
    )
    assert trips["direction"].values.tolist() == ["pickup", "dropoff"]
    assert trips["flow"].sum(("time", "row", "col")).values.tolist() == [1, 1]


def test_chosen_fixes_keep_their_columns_together_and_their_source():
    """A mask on four of five columns would move the flag to other places."""
    reports = fixes((0, 5, 1, 2, 1), (0, 6, 3, 4, 0), (1, 7, 5, 6, 1))
    some = reports.where(np.array([True, False, True]))
    assert [getattr(some, name).tolist() for name in gps.COLUMNS] == [
        [0, 1], [5, 7], [1, 5], [2, 6], [True, True]
    ]  # fmt: skip
    assert some.source == "toy" and len(reports.where(reports.taxi == 9)) == 0


@pytest.mark.parametrize(
    "name", ["entry_counts", "pickups_dropoffs", "entry_flow_city", "trips_city"]
)
def test_no_function_has_a_zone_of_its_own(name):
    """Beijing's rush hour would stand at San Francisco's midnight."""
    zone = inspect.signature(getattr(gps, name)).parameters["zone"]
    assert zone.default is inspect.Parameter.empty


def test_steps_are_those_of_the_zone_that_is_named():
    morning = int(pd.Timestamp("2008-02-04 08:00", tz="Asia/Shanghai").timestamp())
    cabs = gps.Fixes(
        [1, 1], [morning, morning + 60], [3990500, 3990600], [11630500] * 2, [0, 1]
    )
    time, _ = gps.pickups_dropoffs(cabs, Box(39.9, 40, 116.3, 116.5), 2, 2, 30, "Asia/Shanghai")
    assert list(time) == [pd.Timestamp("2008-02-04 08:00")]


def test_a_whole_step_may_be_a_float():
    reports = fixes((0, NOON, 5, 5, 0), (0, NOON + 60, 5, 15, 1))
    for count_all in (gps.entry_counts, gps.pickups_dropoffs):
        _, counts = count_all(reports, BOX, ROWS, COLS, 1.0, zone="UTC")
        assert counts.sum() == 1
