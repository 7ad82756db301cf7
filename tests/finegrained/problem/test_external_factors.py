"""Weather and calendar: a city's own columns, else the calendar of its clock."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.problem.external_factors import external_factors

CALENDAR = ("holiday", "weekend", "weekday", "hour")


def test_calendar_where_the_city_brings_no_factors(make_city):
    """2008-05-24 is a Saturday, Monday the 26th is Memorial Day; the hour is the local one."""
    task = make_task(make_city(steps=96), 2)
    assert task.external_names == CALENDAR
    assert task.external[[0, 25, 50, 95]].tolist() == [
        [0, 1, 6, 0], [0, 1, 7, 1], [1, 0, 1, 2], [0, 0, 2, 23],
    ]  # fmt: skip
    assert task.external[48:72, 0].all() and task.external[:, 0].sum() == 24


@pytest.mark.parametrize(("zone", "want"), [
    ("America/Toronto", ["2019-07-01"]), ("US/Eastern", ["2019-07-04"]),
    ("America/New_York", ["2019-07-04"]), ("Pacific/Honolulu", ["2019-07-04"]),
    ("Asia/Shanghai", []),
])  # fmt: skip
def test_holidays_are_those_of_the_citys_country(make_city, zone, want):
    task = make_task(make_city(steps=240, start="2019-06-28", zone=zone), 4)
    assert task.external_names == CALENDAR
    assert sorted({str(d)[:10] for d in task.time[task.external[:, 0] > 0]}) == want


def test_without_a_calendar_there_is_no_column_of_holidays(make_city):
    """A column of zeros would say that every day is a working day."""
    with pytest.warns(UserWarning, match="handtown: no factor 'holiday': zone 'UTC' names no"):
        task = make_task(make_city(steps=96, zone="UTC"), 2)
    assert task.external_names == CALENDAR[1:]
    assert task.external[25].tolist() == [1, 7, 1]


def test_a_nominal_clock_has_no_calendar(make_city):
    nominal = make_task(make_city(zone="nominal"), 2)
    assert nominal.external_names == () and nominal.external.shape == (48, 0)


def test_the_citys_own_factors_win(make_city):
    task = make_task(make_city(external=("temperature", "weather")), 2)
    assert task.external_names == ("temperature", "weather")
    assert task.external.shape == (48, 2) and (task.external == 1).all()


def test_columns_follow_the_local_clock_hour_by_hour(make_city):
    """Against datetime itself, over a year's end; weekday runs from 1 to 7, as the embedding."""
    city = make_city(steps=72, start="2010-12-30", rows=4, cols=4)
    columns, names = external_factors(city)
    assert names == CALENDAR and columns.dtype == np.float32
    holidays = {"2010-12-31", "2011-01-01"}  # a Saturday, and the day off before it
    for row, time in zip(
        columns, pd.DatetimeIndex(city.time.values).to_pydatetime(), strict=True
    ):
        weekend = time.isoweekday() in (6, 7)
        known = str(time.date()) in holidays
        assert row.tolist() == [known, weekend, time.isoweekday(), time.hour]
