"""What other programs read: rows, places, and polygons that lie where the cells do."""

import json

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError, load
from stflow_lib.data.export import export, table
from stflow_lib.data.files.netcdf import read_netcdf
from stflow_lib.data.schema import grid_city, with_content_hash

BOX = {"lat_min": 40.0, "lat_max": 40.3, "lon_min": -74.2, "lon_max": -74.0}


@pytest.fixture
def city():
    """3 x 2 cells, 4 hours, two ways; each value says where it stands."""
    flow = np.arange(48.0).reshape(4, 2, 3, 2)
    time = pd.date_range("2024-01-01", periods=4, freq="h")
    return with_content_hash(grid_city(flow, time, ["in", "out"], name="town", zone="nominal",
                                       step_minutes=60, unit="trips", source="t", licence="MIT",
                                       **BOX))  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_row_for_each_hour_way_and_cell(city, tmp_path, ending):
    path = export(city, tmp_path / f"a.{ending}")
    rows = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert list(rows) == ["time", "direction", "row", "col", "lat", "lon", "flow"]
    one = rows[(rows.direction == "out") & (rows.row == 2) & (rows.col == 1)].iloc[3]
    assert one.flow == city.flow.values[3, 1, 2, 1] and len(rows) == 48
    assert np.allclose((one.lat, one.lon), (40.05, -74.05))


def ring_of(features, row, col):
    one = next(
        f for f in features if (f["properties"]["row"], f["properties"]["col"]) == (row, col)
    )
    return one["geometry"]["coordinates"][0]


def test_polygons_lie_where_the_cells_do(city, tmp_path):
    content = json.loads(export(city, tmp_path / "a.geojson").read_text())
    features = content["features"]
    assert len(features) == 48 and content["crs"]["properties"]["name"].endswith("CRS84")
    assert features[0]["properties"]["time"] == "2024-01-01T00:00:00"
    north_west, south_east = ring_of(features, 0, 0), ring_of(features, 2, 1)
    assert [-74.2, 40.3] in north_west and [-74.0, 40.0] in south_east
    for ring in (north_west, south_east):
        (x, y), corners = zip(*ring, strict=True), ring
        assert corners[0] == corners[-1] and len(corners) == 5
        area = sum(x[i] * y[i + 1] - x[i + 1] * y[i] for i in range(4)) / 2
        assert np.isclose(area, 0.1 * 0.1)  # positive: anticlockwise, as the standard asks


def test_every_cell_touches_its_neighbours(city, tmp_path):
    """A crack or an overlap of cells shows as lines on every map."""
    features = json.loads(export(city, tmp_path / "a.geojson").read_text())["features"]
    left, right = ring_of(features, 1, 0), ring_of(features, 1, 1)
    upper = ring_of(features, 0, 0)
    assert left[1:3] == [right[0], right[3]] and left[3] == upper[0] and left[2] == upper[1]


def test_geopandas_reads_the_same_corners(city, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.read_file(export(city, tmp_path / "a.geojson"))
    corner = frame[(frame.row == 0) & (frame.col == 0)].geometry.iloc[0]
    assert (
        np.allclose(corner.bounds, (-74.2, 40.2, -74.1, 40.3)) and frame.crs.to_epsg() == 4326
    )


def test_netcdf_and_sensors(city, tmp_path):
    assert read_netcdf(export(city, tmp_path / "a.nc")).identical(city)
    speeds = load("sim-speed-a").isel(time=slice(2))
    content = json.loads(export(speeds, tmp_path / "s.geojson").read_text())
    assert content["features"][0]["geometry"]["type"] == "Point"
    assert len(table(speeds)) == 2 * speeds.sizes["node"]


def test_what_cannot_be_written(city, tmp_path):
    with pytest.raises(DataError, match=r"a.shp: want one of .nc, .csv, .parquet, .geojson"):
        export(city, tmp_path / "a.shp")
    bare = city.drop_vars(["lat", "lon"]).drop_attrs().assign_attrs(name="town")
    with pytest.raises(DataError, match="a.geojson: the city has no lat_min"):
        export(bare, tmp_path / "a.geojson")
