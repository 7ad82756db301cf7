"""Zones and their countries' public holidays: IANA's tables and the package `holidays`.

A zone belongs to the country that IANA's `zone.tab` states; an old name (`US/Eastern`) to that of
the zone it is linked to, unless IANA links it across a border. `Etc/...`, `UTC` and abbreviations
such as `EST` belong to none.
"""

from functools import cache
from importlib.resources import files

import holidays
import numpy as np
import pandas as pd
import tzdata

from stflow_lib.data.errors import DataError

NOMINAL = "nominal"  # the zone of a city whose source gives no clock
ABROAD = {  # old names that IANA links to a zone of another country with the same clock
    "Africa/Asmera": "ER", "Africa/Timbuktu": "ML", "America/Coral_Harbour": "CA",
    "America/Virgin": "VI", "Antarctica/South_Pole": "AQ", "Atlantic/Jan_Mayen": "SJ",
    "Iceland": "IS", "Pacific/Ponape": "FM", "Pacific/Truk": "FM", "Pacific/Yap": "FM",
}  # fmt: skip
NOWHERE = {"CET", "EET", "EST", "HST", "MET", "MST", "WET"}  # a clock, no place


def check_zone(zone: object, name: str):
    """DataError, naming the city `name`, unless `zone` is an IANA name or "nominal"."""
    if not isinstance(zone, str) or zone not in _names() | {NOMINAL}:
        raise DataError(f"{name}: zone {zone!r}: rule 'an IANA name (America/New_York) or "
                        f"{NOMINAL}' broken")  # fmt: skip


def country_of(zone: str) -> str | None:
    """The ISO 3166 code of the zone's country, as US or CN; None where it names no place."""
    if zone in NOWHERE:
        return None
    known = _countries() | ABROAD
    return known.get(zone) or known.get(_links().get(zone, ""))


def public_holidays(time: pd.DatetimeIndex, zone: str) -> np.ndarray:
    """Which of the local times [T] lie on a national public holiday of the zone's country.

    bool [T]; a day off in place of a holiday on a weekend counts, and so does that holiday.
    DataError where none is known: a zone without a country, a country or year without calendar.
    """
    check_zone(zone, "public_holidays")
    country = country_of(zone)
    if country is None:
        raise DataError(f"zone {zone!r} names no country: no public holidays are known")
    try:
        days = holidays.country_holidays(country, years=sorted(set(time.year)))
    except NotImplementedError as error:
        raise DataError(f"zone {zone!r}: no calendar of country {country}: {error}") from error
    if time[0].year < days.start_year or time[-1].year > days.end_year:
        raise DataError(f"zone {zone!r}: public holidays of {country} are known for "
                        f"{days.start_year} to {days.end_year}, not for {time[0]:%Y} to "
                        f"{time[-1]:%Y}")  # fmt: skip
    return np.asarray(time.normalize().isin(pd.DatetimeIndex(sorted(days))))


@cache
def _names() -> frozenset[str]:
    return frozenset((files(tzdata) / "zones").read_text().split()) - {"Factory"}


@cache
def _links() -> dict[str, str]:
    """Old name -> zone: lines `L zone old-name` of IANA's compact source."""
    lines = _table("tzdata.zi")
    return {line.split()[2]: line.split()[1] for line in lines if line.startswith("L ")}


@cache
def _countries() -> dict[str, str]:
    """Zone -> country: columns 3 and 1 of IANA's table."""
    rows = (line.split("\t") for line in _table("zone.tab") if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def _table(name: str) -> list[str]:
    return (files(tzdata) / "zoneinfo" / name).read_text().splitlines()
