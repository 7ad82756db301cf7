"""The layouts in which trips are published, told apart by their header, and those of no use.

Header names are compared in lower case and without blanks, dashes and underscores.
"""

import re
from collections.abc import Iterable, Mapping

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.trips import COLUMNS

LAYOUTS = {  # name -> the header's names of COLUMNS
    "Divvy, Citi Bike, Capital Bikeshare and Bluebikes of today":
        ("started_at", "ended_at", "start_lat", "start_lng", "end_lat", "end_lng"),
    "Citi Bike and Bluebikes of before":
        ("starttime", "stoptime", "start station latitude", "start station longitude",
         "end station latitude", "end station longitude"),
    "Indego and Metro Bike Share":
        ("start_time", "end_time", "start_lat", "start_lon", "end_lat", "end_lon"),
    "BIXI":
        ("STARTTIMEMS", "ENDTIMEMS", "STARTSTATIONLATITUDE", "STARTSTATIONLONGITUDE",
         "ENDSTATIONLATITUDE", "ENDSTATIONLONGITUDE"),
    "New York taxis until June 2016":
        ("tpep_pickup_datetime", "tpep_dropoff_datetime", "pickup_latitude", "pickup_longitude",
         "dropoff_latitude", "dropoff_longitude"),
}  # fmt: skip
WITHOUT_PLACES = {  # a column that tells the layout -> why its trips fall into no cell
    "PULocationID": "New York taxi trips since July 2016 name zones, not places: a zone is up to "
    "100 times as large as another, so a lookup would put its trips into one cell",
    "start_station_code": "BIXI before 2022 names stations by code",
    "from_station_id": "Divvy before 2020 names stations by number",
    "Start station number": "Capital Bikeshare before 2020 names stations by number",
}
JOIN = "; join the operator's table of stations first, so that each trip has start_lat, ..."
IDENTITIES = ("ride_id", "trip_id")


def key(name: str) -> str:
    """A column's name as it is compared."""
    return re.sub(r"[\s_-]", "", name.lower())


def columns_of(
    names: Iterable[str], where: str, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """COLUMNS -> the name of each in a header.

    given: that mapping, or the part of it in which the header differs from a known layout.
    DataError where the layout is not known, and why a known one is of no use.
    """
    found, known = {key(name): name for name in names}, dict(given or {})
    if strange := [name for name in known if name not in COLUMNS]:
        raise DataError(
            f"{where}: columns={{{strange[0]!r}: ...}}: want any of {list(COLUMNS)}"
        )
    if absent := [name for name in known.values() if key(name) not in found]:
        raise DataError(f"{where}: columns: no {absent[0]!r}, there are {list(found.values())}")
    fits = [_matched(layout, found, known) for layout in LAYOUTS.values()]
    best = max(fits, key=len)
    if len(best) == len(COLUMNS):
        return best
    raise DataError(f"{where}: {_reason(found, best)}")


def _matched(layout: tuple[str, ...], found: dict[str, str], given: dict[str, str]) -> dict:
    own = {c: found[key(n)] for c, n in zip(COLUMNS, layout, strict=True) if key(n) in found}
    return own | {column: found[key(name)] for column, name in given.items()}


def _reason(found: dict[str, str], best: dict[str, str]) -> str:
    """Why these columns are no trips, and what would make them some."""
    for name, why in WITHOUT_PLACES.items():
        if key(name) in found:
            return why + (JOIN if "station" in why else "")
    missing = [column for column in COLUMNS if column not in best]
    mapped = ", ".join(f"{column!r}: '...'" for column in missing)
    return (f"this layout is not known, {missing} are missing; say which of its columns they "
            f"are by columns={{{mapped}}}; it has {list(found.values())}")  # fmt: skip
