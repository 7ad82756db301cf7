"""Local time steps: regular or refused, aligned to midnight, honest about the clocks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data import DataError
from stflow_lib.data.time_axis import (
    check_clock,
    daylight_changes,
    fill_spring_gap,
    stray_day,
    time_axis_from_local,
    time_axis_from_utc,
    wall_time,
)


def test_daylight_changes_of_a_year():
    assert list(map(str, daylight_changes("2015-01-01", "2015-12-31", "America/New_York"))) == [
        "2015-03-08 02:00:00",
        "2015-11-01 01:00:00",
    ]
    assert daylight_changes("2015-01-01", "2015-12-31", "nominal") == []


def test_spring_gap_is_filled_with_nan_and_nothing_else():
    time = pd.date_range("2017-03-12", periods=48, freq="5min")
    gone = (time >= "2017-03-12 02:00") & (time < "2017-03-12 03:00")
    values = np.arange(96.0).reshape(48, 2)
    filled_time, filled = fill_spring_gap(time[~gone], values[~gone], "US/Pacific", 5)
    assert filled_time.equals(time)
    assert np.isnan(filled[gone]).all() and (filled[~gone] == values[~gone]).all()
    other = (time >= "2017-03-12 01:00") & (time < "2017-03-12 01:10")
    assert len(fill_spring_gap(time[~other], values[~other], "US/Pacific", 5)[0]) == 46


DAY = 86_400
steps = st.sampled_from([1, 5, 10, 30, 60, 120, 1440])


@given(st.integers(0, 365 * DAY), st.integers(0, 3 * DAY), steps)
def test_utc_seconds_lie_in_the_step_that_the_rule_names(first, span, step_minutes):
    """An axis that ends a step early drops the last fixes; half-hour zones
    shift by 30 minutes."""
    start, index = time_axis_from_utc(first, first + span, step_minutes, "Asia/Kolkata")
    length = pd.Timedelta(minutes=step_minutes)
    for second in (first, first + span):
        local = pd.Timestamp(second, unit="s") + pd.Timedelta(hours=5, minutes=30)
        at = index[(second - start) // (60 * step_minutes)]
        assert at <= local < at + length
    assert (second - start) // (60 * step_minutes) == len(index) - 1
    assert all((stamp - stamp.normalize()) % length == pd.Timedelta(0) for stamp in index[:2])


@given(st.integers(0, 5 * DAY), st.integers(0, 3 * DAY), steps)
def test_wall_clock_times_lie_in_their_steps(first, span, step_minutes):
    """The first and the last ride each have a step, and no empty step stands at either end."""
    start = pd.Timestamp("2021-01-10") + pd.Timedelta(seconds=first)
    last = start + pd.Timedelta(seconds=span)
    index = time_axis_from_local(start, last, step_minutes, "America/Chicago")
    length = pd.Timedelta(minutes=step_minutes)
    assert index[0] <= start < index[0] + length and index[-1] <= last < index[-1] + length
    assert (np.diff(index) == length.to_timedelta64()).all() and index.dtype == "datetime64[ns]"


@pytest.mark.parametrize("hour", ["2024-03-10 05:59", "2024-11-03 04:59"])
def test_utc_spans_over_a_change_are_refused_and_stop_at_it(hour):
    """Regular up to the change and refused over it: spring and autumn alike."""
    first = int(pd.Timestamp(hour, tz="UTC").timestamp())
    assert len(time_axis_from_utc(first, first, 60, "America/New_York")[1]) == 1
    with pytest.raises(DataError, match="clocks of America/New_York change"):
        time_axis_from_utc(first, first + 7200, 60, "America/New_York")


@pytest.mark.parametrize("make", [time_axis_from_utc, time_axis_from_local])
@pytest.mark.parametrize(
    ("step", "zone", "message"),
    [(0, "UTC", "step_minutes=0"), (7, "UTC", "step_minutes=7: a step must divide"),
     (7.5, "UTC", "step_minutes=7.5"), ("60", "UTC", "step_minutes=60"), (-60, "UTC", "step_min"),
     (float("nan"), "UTC", "step_minutes=nan"), (60, "America", "is not an IANA"),
     (60, None, "zone=None is not"),
     (60, "Mars/Base", "zone='Mars/Base' is not"), (60, "", "is not an IANA time zone")],
)  # fmt: skip
def test_bad_steps_and_zones_are_named_by_both_makers(make, step, zone, message):
    """A step that does not divide a day would drift against midnight from day to day."""
    with pytest.raises(DataError, match=message):
        make(0, 3600, step, zone)


@pytest.mark.parametrize("time", [np.array(["2024-01-01"], "M8[s]"), np.array([], "M8[ns]")])
def test_a_clock_of_other_precision_or_none_is_refused(time):
    """Seconds compared with nanoseconds make every later comparison of stamps
    silently wrong."""
    card = {"name": "toy", "step_minutes": 60, "zone": "nominal"}
    with pytest.raises(DataError, match="toy: time must be datetime64"):
        check_clock(time, card, DataError)


@pytest.mark.parametrize(
    ("end", "last"),
    [("2024-03-10 07:00", "2024-03-10 01:00"), ("2024-11-03 06:00", "2024-11-03 01:00")],
)
@pytest.mark.parametrize("step", [30, 60])
def test_a_utc_span_may_end_at_the_change_and_not_a_second_later(end, last, step):
    """The steps up to the change are as long as all others, in spring and in autumn."""
    end = int(pd.Timestamp(end, tz="UTC").timestamp())
    _, index = time_axis_from_utc(end - 7200, end - 1, step, "America/New_York")
    assert index[-1] == pd.Timestamp(last) + pd.Timedelta(minutes=60 - step)
    with pytest.raises(DataError, match="clocks of America/New_York change"):
        time_axis_from_utc(end - 7200, end, step, "America/New_York")


def test_a_day_with_a_change_inside_is_refused_as_a_last_step():
    """A step of a day would hold 23 hours."""
    first = int(pd.Timestamp("2024-03-09 12:00", tz="UTC").timestamp())
    with pytest.raises(DataError, match="change in the step from 2024-03-10 00:00"):
        time_axis_from_utc(first, first + DAY, 1440, "America/New_York")


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [(10, 5, "not in order"), (0.5, 5, "0.5 at index 0"), (0, float("nan"), "nan at index 1"),
     (0, 1213084659 * 10**9, "no unix seconds")],
)  # fmt: skip
def test_utc_seconds_of_another_unit_or_order_are_refused(first, last, message):
    """Nanoseconds would be ten thousand years; a turned span an axis without a step."""
    with pytest.raises(DataError, match=message):
        time_axis_from_utc(first, last, 60, "UTC")


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [("2021-01-02", "2021-01-01", "not in order"), (pd.NaT, "2021-01-01", "no wall-clock time"),
     ("soon", "2021-01-01", "'soon' is no time"),
     ("2021-01-01 00:00+01:00", "2021-01-01", "without an offset")],
)  # fmt: skip
def test_wall_times_that_are_none_are_refused(first, last, message):
    with pytest.raises(DataError, match=message):
        time_axis_from_local(first, last, 60, "UTC")


def test_wall_time_reads_what_pandas_reads():
    assert wall_time("2021-01-01 10:00") == wall_time(np.datetime64("2021-01-01T10"))


@pytest.mark.parametrize(
    ("days", "at"),
    [([5, 6, 7], None), ([0, 31], None), ([0, 32], 1), ([18_000, 0, 18_001], 1),
     ([18_000, 18_001, 18_033, 25_000], 3), ([9], None)],
)  # fmt: skip
def test_the_stamp_that_is_astray(days, at):
    """The fewer on one side of the widest gap, when that is longer than a month."""
    assert stray_day(np.array(days)) == at


CARD = {"name": "toy", "step_minutes": 60, "zone": "nominal"}
HOURS = np.arange("2024-01-01", "2024-01-02", dtype="M8[h]").astype("M8[ns]")


@pytest.mark.parametrize("zone", ["GMT+8", "Beijing", "America", "", None])
def test_a_zone_that_is_none_is_named_by_the_check(zone):
    with pytest.raises(
        DataError, match="toy: zone=.* is neither an IANA time zone nor 'nominal'"
    ):
        check_clock(HOURS, CARD | {"zone": zone}, DataError)


@pytest.mark.parametrize("step", ["60", 0, -60, float("nan"), float("inf"), None, 0.001])
def test_a_step_that_is_none_is_named_by_the_check(step):
    """Text times 60 is a long text: its number is no step."""
    with pytest.raises(DataError, match="toy: step_minutes=.* is no whole number of seconds"):
        check_clock(HOURS, CARD | {"step_minutes": step}, DataError)


def test_a_missing_stamp_is_named():
    gone = HOURS.copy()
    gone[3] = np.datetime64("NaT")
    for time, at in ((gone, 3), (gone[3:4], 0)):
        with pytest.raises(DataError, match=f"toy: no time stamp at index {at}"):
            check_clock(time, CARD | {"zone": "America/New_York"}, DataError)


def test_a_gap_of_years_is_not_blamed_on_the_clocks():
    """Twenty changes lie in ten years, and none of them tore the hole."""
    far = np.append(HOURS, np.datetime64("2034-01-01", "ns"))
    with pytest.raises(DataError, match="irregular time stamp at index 24") as error:
        check_clock(far, CARD | {"zone": "America/New_York"}, DataError)
    assert "daylight" not in str(error.value)


def test_a_gap_in_whole_numbers_is_nan_too():
    """NaN as an integer is a speed of minus nine quintillion."""
    time = pd.DatetimeIndex(["2017-03-12 01:00", "2017-03-12 03:00"])
    _, filled = fill_spring_gap(time, np.array([[7], [8]]), "US/Pacific", 60)
    np.testing.assert_array_equal(filled, [[7], [np.nan], [8]])
    with pytest.raises(DataError, match="zone='Pacific' is not an IANA time zone"):
        fill_spring_gap(time, np.array([[7], [8]]), "Pacific", 60)
