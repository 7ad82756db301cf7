"""Layouts by their header: those of the operators, those without places, and any other."""

import pytest

from stflow_lib.data import DataError
from stflow_lib.data.rasterize.trips import COLUMNS
from stflow_lib.data.readers.trip_layouts import LAYOUTS, columns_of

MINE = dict(zip(COLUMNS, ("von", "bis", "y1", "x1", "y2", "x2"), strict=True))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_recognised_in_any_spelling(layout):
    """Citi Bike wrote `Start Station Latitude` in one year, `start station latitude` in others."""
    names = LAYOUTS[layout]
    for spelled in (
        names,
        [n.upper().replace("_", " ") for n in names],
        [n.replace(" ", "_") for n in names],
    ):
        found = columns_of([*spelled, "bike_id"], "file")
        assert found == dict(zip(COLUMNS, spelled, strict=True))


@pytest.mark.parametrize("header, reason", [
    (["tpep_pickup_datetime", "PULocationID"], "name zones, not places"),
    (["trip_id", "start_time", "end_time", "from_station_id"], "stations by number; join"),
    (["start_date", "start_station_code", "end_date"], "BIXI before 2022"),
    (["Start date", "End date", "Start station number"], "Capital Bikeshare before"),
])  # fmt: skip
def test_layouts_without_places_are_refused_with_the_reason(header, reason):
    with pytest.raises(DataError, match=f"file: .*{reason}"):
        columns_of(header, "file")


def test_any_table_by_its_columns():
    assert columns_of([*MINE.values(), "more"], "file", MINE) == MINE


def test_only_what_differs_need_be_said():
    names = ["started_at", "ended_at", "start_lat", "start_lng", "end_lat", "lon_of_end"]
    assert columns_of(names, "file", {"end_lon": "lon_of_end"})["end_lon"] == "lon_of_end"


def test_the_error_says_what_is_missing_and_how_to_say_it():
    with pytest.raises(DataError) as error:
        columns_of(["started_at", "ended_at", "start_lat", "start_lng", "lat2", "lon2"], "file")
    assert "['end_lat', 'end_lon'] are missing" in str(error.value)
    assert "columns={'end_lat': '...', 'end_lon': '...'}" in str(error.value)
    with pytest.raises(DataError, match="no 'latt', there are"):
        columns_of(["lat"], "file", {"end_lat": "latt"})
    with pytest.raises(DataError, match="'begin'.*want any of"):
        columns_of(["lat"], "file", {"begin": "lat"})
