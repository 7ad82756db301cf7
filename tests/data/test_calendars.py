"""Zones and public holidays: by the country that the zone names, never by a guess."""

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar

from stflow_lib.data import DataError
from stflow_lib.data.calendars import check_zone, country_of, public_holidays

SUMMER = pd.date_range("2019-06-28", periods=240, freq="h")


def days(time, zone):
    return sorted({str(day)[:10] for day in time[public_holidays(time, zone)]})


@pytest.mark.parametrize(("zone", "want"), [
    ("America/New_York", ["2019-07-04"]), ("US/Eastern", ["2019-07-04"]),
    ("Pacific/Honolulu", ["2019-07-04"]), ("America/Toronto", ["2019-07-01"]),
    ("Canada/Eastern", ["2019-07-01"]), ("Asia/Shanghai", []), ("Europe/Rome", []),
])  # fmt: skip
def test_holidays_are_those_of_the_zones_country(zone, want):
    """An American prefix is no country, and an old name means the same place."""
    assert days(SUMMER, zone) == want


def test_china_has_its_own_holidays_with_the_days_in_lieu():
    autumn = pd.date_range("2019-09-25", periods=20, freq="D")
    assert days(autumn, "Asia/Shanghai") == [f"2019-10-{day:02d}" for day in (1, 2, 3, 4, 7)]


def test_american_holidays_are_the_federal_ones_on_working_days():
    """Against pandas' calendar, which leaves out holidays that fall on a weekend."""
    time = pd.date_range("2000-01-01", "2030-12-31", freq="D")
    federal = time.isin(USFederalHolidayCalendar().holidays(time[0], time[-1]))
    working = time.dayofweek < 5
    assert np.array_equal(public_holidays(time, "America/Chicago")[working], federal[working])


@pytest.mark.parametrize(("zone", "country"), [
    ("PRC", "CN"), ("GB", "GB"), ("Iceland", "IS"), ("America/Coral_Harbour", "CA"),
    ("America/Puerto_Rico", "PR"), ("EST", None), ("UTC", None), ("Etc/GMT-1", None),
])  # fmt: skip
def test_a_link_across_a_border_is_not_followed(zone, country):
    """IANA links Iceland to Abidjan and EST to Panama: the clocks agree, the holidays do not."""
    assert country_of(zone) == country


def test_a_zone_or_a_year_without_a_calendar_says_so():
    with pytest.raises(DataError, match="zone 'UTC' names no country: no public holidays"):
        public_holidays(SUMMER, "UTC")
    old = pd.date_range("1940-01-01", periods=3, freq="D")
    with pytest.raises(DataError, match="holidays of CN are known for 1950 to .* 1940"):
        public_holidays(old, "Asia/Shanghai")


@pytest.mark.parametrize(
    "zone", ["GMT+8", "Beijing", "America", "Factory", "", None, 8, ["UTC"]]
)
def test_what_is_no_zone_is_named_with_the_city_and_the_rule(zone):
    with pytest.raises(DataError, match=r"toy: zone .*'an IANA name .* or nominal' broken"):
        check_zone(zone, "toy")


def test_names_and_nominal_pass():
    for zone in ("nominal", "Asia/Shanghai", "Etc/GMT-1", "US/Eastern", "UTC"):
        check_zone(zone, "toy")
