"""What other programs read: rows, places, and polygons that lie where the cells do."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest

from stflow_lib import finegrained, gridflow
from stflow_lib.data import DataError, block_sum, load
from stflow_lib.data.export import export, slider_map, table
from stflow_lib.data.files.netcdf import read_netcdf
from stflow_lib.data.schema import grid_city, with_content_hash

BOX = {"lat_min": 40.0, "lat_max": 40.3, "lon_min": -74.2, "lon_max": -74.0}
CARD = {"name": "town", "zone": "nominal", "step_minutes": 60, "unit": "trips", "source": "t",
        "licence": "MIT"}  # fmt: skip


@pytest.fixture
def city():
    """3 x 2 cells, 4 hours, two ways; each value says where it stands."""
    flow = np.arange(48.0).reshape(4, 2, 3, 2)
    time = pd.date_range("2024-01-01", periods=4, freq="h")
    return with_content_hash(grid_city(flow, time, ["in", "out"], **CARD, **BOX))


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


@pytest.fixture(scope="module")
def results():
    """A demand forecast of 3 x 5 cells and fine maps of 6 x 10, both in BOX."""
    random = np.random.default_rng(0)
    flow = random.poisson(random.gamma(1, 6, (2, 6, 10)), (130, 2, 6, 10))
    fine, coarse = made(flow[:120]), made(block_sum(flow[120:], 2), start="2024-02-01")
    forecast = gridflow.forecast(made(block_sum(flow, 2)), hours=2, method="Previous hour")
    return {"forecast": forecast, "fine maps": finegrained.infer(fine, coarse, method="HA")}


def made(flow, start="2024-01-01"):
    time = pd.date_range(start, periods=len(flow), freq="h")
    return with_content_hash(grid_city(flow, time, ["in", "out"], **CARD, **BOX))


@pytest.mark.parametrize("kind", ["forecast", "fine maps"])
def test_geopandas_reads_a_result_as_it_is(results, kind, tmp_path):
    """WGS 84, a feature for each hour, way and cell, boxes where the cells lie, equal values."""
    found = results[kind]
    frame = geopandas.read_file(export(found, tmp_path / "a.geojson"))
    hours, ways, rows, cols = (found.sizes[d] for d in ("time", "direction", "row", "col"))
    assert frame.crs.to_epsg() == 4326 and len(frame) == hours * ways * rows * cols
    assert frame.geometry.is_valid.all() and (frame.geom_type == "Polygon").all()
    high, wide = 0.3 / rows, 0.2 / cols
    for row, col in ((0, 0), (0, cols - 1), (rows - 1, 0), (rows - 1, cols - 1)):
        bounds = frame[(frame.row == row) & (frame.col == col)].geometry.iloc[0].bounds
        north, west = 40.3 - row * high, -74.2 + col * wide
        assert np.allclose(bounds, (west, north - high, west + wide, north), atol=1e-7)
    one_hour = frame[frame.time == frame.time.min()]
    assert one_hour[one_hour.direction == "in"].union_all().area == pytest.approx(0.3 * 0.2)
    for name in ("mean", "lower", "upper"):
        assert np.allclose(frame[name], found[name].values.ravel(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["forecast", "fine maps"])
@pytest.mark.parametrize("ending", ["csv", "parquet", "nc"])
def test_other_formats_give_a_result_back(results, kind, ending, tmp_path):
    """One row found by its place and time holds what the result holds there."""
    found, path = results[kind], export(results[kind], tmp_path / f"a.{ending}")
    if ending == "nc":
        assert read_netcdf(path).identical(found)
        return
    rows = pd.read_parquet(path) if ending == "parquet" else pd.read_csv(path)
    times = pd.to_datetime(rows.time)
    middle = {"lat": float(found.lat[-1]), "lon": float(found.lon[1])}
    here = np.isclose(rows.lat, middle["lat"]) & np.isclose(rows.lon, middle["lon"])
    here &= (times == found.time.values[1]) & (rows.direction == "out")
    (one,) = rows[here].itertuples()
    want = found.isel(time=1, direction=1, row=-1, col=1)
    assert [one.mean, one.lower, one.upper] == pytest.approx(
        [float(want[name]) for name in ("mean", "lower", "upper")], rel=1e-6
    )
    assert len(rows) == found["mean"].size


def test_geopandas_reads_sensors_as_points_at_their_places(tmp_path):
    speeds = load("sim-speed-a").isel(time=slice(2))
    frame = geopandas.read_file(export(speeds, tmp_path / "s.geojson"))
    assert frame.crs.to_epsg() == 4326 and len(frame) == 2 * speeds.sizes["node"]
    last = frame.geometry.iloc[-1]
    assert (last.x, last.y) == pytest.approx((float(speeds.lon[-1]), float(speeds.lat[-1])))
    assert np.allclose(frame.speed, speeds.speed.values.ravel(), equal_nan=True)


def test_netcdf_and_sensors(city, tmp_path):
    assert read_netcdf(export(city, tmp_path / "a.nc")).identical(city)
    speeds = load("sim-speed-a").isel(time=slice(2))
    content = json.loads(export(speeds, tmp_path / "s.geojson").read_text())
    assert content["features"][0]["geometry"]["type"] == "Point"
    assert len(table(speeds)) == 2 * speeds.sizes["node"]


@pytest.fixture
def speeds():
    """A simulated city whose first two sensors have no place."""
    city = load("sim-speed-a").isel(time=slice(3)).copy(deep=True)
    for axis in ("lat", "lon"):
        city[axis] = city[axis].where(city.node != city.node[0])
    city["lat"] = city["lat"].where(city.node != city.node[1])
    return city


def test_a_sensor_without_a_place_is_a_feature_without_geometry(speeds, tmp_path):
    """RFC 7946, 3.2: an unlocated feature has null; a point of nulls is no GeoJSON."""
    content = json.loads(export(speeds, tmp_path / "s.geojson").read_text())
    shapes = [one["geometry"] for one in content["features"][: speeds.sizes["node"]]]
    assert shapes[:2] == [None, None] and None not in shapes[2:]
    frame = geopandas.read_file(tmp_path / "s.geojson")
    assert frame.geometry.isna().sum() == 2 * 3 and len(frame) == 3 * speeds.sizes["node"]


@pytest.mark.parametrize("ending", ["geojson", "html"])
def test_sensors_of_which_none_has_a_place_are_on_no_map(speeds, tmp_path, ending):
    nowhere = speeds.assign_coords(lat=speeds.lat * np.nan)
    for city in (nowhere, speeds.drop_vars(["lat", "lon"])):
        with pytest.raises(DataError, match="sensors without lat and lon have no place on a"):
            export(city, tmp_path / f"s.{ending}")


@pytest.mark.parametrize("kind", ["forecast", "fine maps"])
def test_a_map_to_move_holds_mean_and_width_of_every_hour(results, kind):
    found = results[kind]
    shown = slider_map(found, "a.html")
    names = [one.name for one in shown.layers]
    assert names == ["in: mean", "in: width of the 90% interval", "out: mean",
                     "out: width of the 90% interval"]  # fmt: skip
    out, width = shown.layers[2:]
    assert np.array_equal(out.values, found["mean"].values[:, 1])
    assert np.array_equal(width.values, (found.upper - found.lower).values[:, 1])
    assert len(shown.frames) == found.sizes["time"] and shown.places is None
    assert shown.title == f"town, {kind} by {found.attrs['method']}: trips"
    assert pd.Timestamp(shown.frames[0][4:]) == found.time.values[0]


def test_a_map_of_sensors_leaves_out_those_without_a_place(speeds):
    shown = slider_map(speeds, "a.html")
    (layer,) = shown.layers
    assert np.array_equal(layer.values, speeds.speed.values[:, 2:], equal_nan=True)
    east, north = (shown.places[:, k] for k in (0, 1))
    assert np.allclose(north, speeds.lat[2:])
    assert np.allclose(east, speeds.lon[2:] * np.cos(np.deg2rad(speeds.lat.mean())))
    assert shown.title == f"{speeds.attrs['name']}: {speeds.attrs['unit']}"


def test_what_cannot_be_written(city, tmp_path):
    with pytest.raises(
        DataError, match=r"a.shp: want one of .nc, .csv, .parquet, .geojson, .html"
    ):
        export(city, tmp_path / "a.shp")
    bare = city.drop_vars(["lat", "lon"]).drop_attrs().assign_attrs(name="town")
    with pytest.raises(DataError, match="a.geojson: the city has no lat_min"):
        export(bare, tmp_path / "a.geojson")
