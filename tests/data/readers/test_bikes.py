"""Bike cities from small trip files: places, rides and the wall clock of BikeNYC."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from stflow_lib import data
from stflow_lib.data import DataError
from stflow_lib.data.rasterize.cells import cell_index
from stflow_lib.data.readers import bikes


def test_places_from_parquet_or_an_error_that_says_what_is_missing(tmp_path):
    table = pd.DataFrame({"osm_id": [1], "fclass": ["bar"], "lat": [41.9], "lon": [-87.6]})
    table.to_parquet(tmp_path / "chicago-2020.parquet")
    assert bikes.read_places(tmp_path, "chicago-2020").equals(table)
    table.drop(columns="fclass").to_parquet(tmp_path / "dc-2017.parquet")
    with pytest.raises(DataError, match=r"dc-2017.parquet: column 'fclass' is missing"):
        bikes.read_places(tmp_path, "dc-2017")
    with pytest.raises(DataError, match=r"POI_NYC-2016.xls: no such file"):
        bikes.read_places(tmp_path, "nyc-2016")


def test_bikes_join_rides_and_places_on_one_grid(tmp_path):
    """A ride and a bar in the same cell end in the same cell, in the north-west corner."""
    header = "started_at,ended_at,start_lat,start_lng,end_lat,end_lng"
    ride = "2021-{m}-01 00:10:00,2021-{m}-01 00:50:00,42.06,-87.76,42.06,-87.76"
    (tmp_path / "bikes-2021").mkdir()
    for month in ("01", "02"):
        path = tmp_path / "bikes-2021" / f"2021{month}-divvy-tripdata.zip"
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("rides.csv", f"{header}\n{ride.format(m=month)}\n")
    (tmp_path / "poi").mkdir()
    table = pd.DataFrame({"osm_id": [1], "fclass": ["bar"], "lat": [42.06], "lon": [-87.76]})
    table.to_parquet(tmp_path / "poi" / "x-2020.parquet")
    city = bikes.read_bikes(tmp_path, "divvy", "x-2020", bikes.CHICAGO, bikes.CHICAGO_CELLS,
                            "America/Chicago")  # fmt: skip
    assert np.argwhere(city.flow.values.sum((0, 1))).tolist() == [[1, 1]]
    assert np.argwhere(city.poi.values.sum(0)).tolist() == [[1, 1]]
    assert float(city.flow.sum()) == 4 and city.sizes["time"] == 59 * 24
    assert city.attrs["pickups_rounded"] == 2 and city.attrs["rides_off_span"] == 0


GRIDS = [(bikes.CHICAGO, bikes.CHICAGO_CELLS), (bikes.WASHINGTON, bikes.WASHINGTON_CELLS)]


@pytest.mark.parametrize(("box", "cells"), GRIDS)
def test_cells_are_centred_on_hundredths_of_a_degree(box, cells):
    """A place that is rounded to two decimals stays in its cell, whatever cell that is."""
    south, west = round(100 * box.lat_min + 0.5), round(100 * box.lon_min + 0.5)
    rows, cols = np.meshgrid(np.arange(cells[0]), np.arange(cells[1]), indexing="ij")
    lat, lon = 1000 * (south + rows.ravel()), 1000 * (west + cols.ravel())
    assert sorted(cell_index(lat, lon, box, *cells)) == list(range(rows.size))
    for north, east in ((-500, -500), (499, 499)):
        near = cell_index(lat + north, lon + east, box, *cells)
        assert (near == cell_index(lat, lon, box, *cells)).all()


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A data folder with nothing in it and a mirror with nothing to fetch."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STFLOW_MIRROR", str(tmp_path / "mirror"))
    return tmp_path


def test_bikenyc_2019_counts_starts_and_ends(empty):
    """From three monthly files in Citi Bike's old layout, over the change of the clocks."""
    header = ("starttime,stoptime,start station latitude,start station longitude,"
              "end station latitude,end station longitude")  # fmt: skip
    inside, outside = "40.7001,-73.9901", "40.9,-73.9"
    rides = {
        "201901": [
            f"2011-01-01 00:10:00.5,2019-01-01 01:20:00.1,{inside},{inside}",
            f"2019-01-01 00:10:00.5,2019-01-01 01:20:00.1,{inside},{inside}",
        ],
        "201902": [f"2019-02-10 08:00:00.0,2019-02-10 08:30:00.0,{inside},{outside}"],
        "201903": [f"2019-03-31 23:10:00.0,2019-03-31 23:59:00.0,{inside},{inside}"],
    }
    base = empty / "data" / "bikenyc-2019"
    base.mkdir(parents=True)
    for month, lines in rides.items():
        (base / f"{month}-citibike-tripdata.csv").write_text("\n".join([header, *lines]))
    city = data.load("bikenyc-2019")
    assert city.flow.shape == (2160, 1, 80, 40) and city.attrs["factor"] == 2
    assert city.attrs["rides_off_span"] == 1 and city.attrs["dropoffs_rounded"] == 1
    total = city.flow.sum(("direction", "row", "col")).to_series()
    busy = total[total > 0]
    assert busy.to_dict() == {
        pd.Timestamp("2019-01-01 00:00"): 1, pd.Timestamp("2019-01-01 01:00"): 1,
        pd.Timestamp("2019-02-10 08:00"): 1, pd.Timestamp("2019-03-31 23:00"): 2,
    }  # fmt: skip
    row, col = np.argwhere(city.flow.values.sum((0, 1)))[0]
    assert (row, col) == (79 - 25, 9)
