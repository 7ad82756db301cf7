"""Weather and calendar: a city's own columns, else the calendar of its clock."""

import numpy as np
import pandas as pd

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.problem.external_factors import CALENDAR, external_factors


def test_calendar_where_the_city_brings_no_factors(make_city):
    """2008-05-24 is a Saturday, Monday the 26th is Memorial Day; the hour is the local one."""
    task = make_task(make_city(steps=96), 2)
    assert task.external_names == ("holiday", "weekend", "weekday", "hour")
    assert task.external[[0, 25, 50, 95]].tolist() == [
        [0, 1, 6, 0], [0, 1, 7, 1], [1, 0, 1, 2], [0, 0, 2, 23],
    ]  # fmt: skip
    assert task.external[48:72, 0].all() and task.external[:, 0].sum() == 24


def test_calendar_of_other_clocks(make_city):
    """No holidays are known outside America, no weekday at all where the clock is nominal."""
    assert not make_task(make_city(steps=96, zone="Europe/Rome"), 2).external[:, 0].any()
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
    holidays = {"2010-12-31"}  # New Year's Day 2011 fell on a Saturday, observed the day before
    for row, time in zip(
        columns, pd.DatetimeIndex(city.time.values).to_pydatetime(), strict=True
    ):
        weekend = time.isoweekday() in (6, 7)
        known = str(time.date()) in holidays
        assert row.tolist() == [known, weekend, time.isoweekday(), time.hour]
