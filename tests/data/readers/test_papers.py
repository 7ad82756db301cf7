"""The papers' originals, read from small files written in the same formats."""

import pickle
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError, block_sum
from stflow_lib.data.catalog import index
from stflow_lib.data.readers.grids import read_parts
from stflow_lib.data.readers.papers import (
    TAXIBJ_FACTORS,
    TAXIBJ_HIGHEST,
    read_dcrnn,
    read_stgfsl,
)
from stflow_lib.data.schema import with_content_hash


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty data folder without a network: a mirror that holds nothing."""
    monkeypatch.setenv("STFLOW_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STFLOW_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def load(name):
    """The city as the catalogue reads it, without the lists of the real files' hashes."""
    entry = index.entries()[name]
    return with_content_hash(entry.read(index.data_folder()), **entry.card())


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def write_taxibj(base, counts=(5, 2, 3)):
    rng = np.random.default_rng(0)
    fine = [rng.poisson(3, (n, 128, 128)).astype(np.float32) for n in counts]
    for part, y in zip(("train", "valid", "test"), fine, strict=True):
        save(base / part / "Y.npy", y)
        save(base / part / "X.npy", block_sum(y, 4))
        highest = [1, 1, *map(TAXIBJ_HIGHEST.get, TAXIBJ_FACTORS[2:])]
        codes = rng.integers(0, highest, (len(y), 7), endpoint=True)
        save(base / part / "ext.npy", codes + [*rng.random(2), 0, 0, 0, 0, 0])
    return np.concatenate(fine)


def zip_folder(base):
    with zipfile.ZipFile(base.with_suffix(".zip"), "w") as bundle:
        for path in sorted(base.rglob("*.npy")):
            bundle.write(path, path.relative_to(base.parent))
            path.unlink()


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_taxibj_folder_and_zip(folder, form):
    """Both releases of the files give the same city, parts in order, weather by name."""
    fine = write_taxibj(folder / "taxibj" / "P2")
    external = np.load(folder / "taxibj" / "P2" / "test" / "ext.npy")
    if form == "zip":
        zip_folder(folder / "taxibj" / "P2")
    city = load("taxibj-p2")
    assert city.attrs["split"] == (5, 2, 3) and city.attrs["factor"] == 4
    assert (city.flow.values[:, 0] == fine).all()
    assert list(city.factor.values) == list(TAXIBJ_FACTORS)
    assert np.allclose(city.external.values[-3:], external)
    assert city.time.values[0] == np.datetime64("2014-02-01")


def test_taxibj_x_that_is_not_the_sum_is_refused(folder):
    write_taxibj(folder / "taxibj" / "P1")
    x = np.load(folder / "taxibj" / "P1" / "valid" / "X.npy")
    x[1, 4, 7] += 2
    save(folder / "taxibj" / "P1" / "valid" / "X.npy", x)
    with pytest.raises(DataError, match=r"P1/valid: X is not the 4 x 4.*\(1, 0, 4, 7\)"):
        load("taxibj-p1")


def test_taxibj_truncated_zip_is_named(folder):
    write_taxibj(folder / "taxibj" / "P1")
    zip_folder(folder / "taxibj" / "P1")
    archive = folder / "taxibj" / "P1.zip"
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"P1.zip: not readable \(truncated\?\)"):
        load("taxibj-p1")


def write_crosstres(folder, city="DC", mode="Bike", hours=50, lng=4, lat=3):
    base = folder / "crosstres" / "crosstres_data" / city
    rng = np.random.default_rng(1)
    ways = [rng.poisson(2, (hours, lng, lat)).astype(float) for _ in range(2)]
    for way, array in zip(("pickup", "dropoff"), ways, strict=True):
        save(base / f"{mode}{city}_{way}.npy", array)
    poi = rng.poisson(5, (lng, lat, 14))
    save(base / f"{city}_poi.npy", poi)
    return base, ways, poi


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_crosstres_turns_longitude_first_into_rows_from_the_north(folder, form):
    base, ways, poi = write_crosstres(folder)
    if form == "zip":
        zip_folder(base.parent)
    city = load("crosstres-dc-bike")
    assert city.flow.shape == (50, 2, 3, 4) and city.poi.shape == (14, 3, 4)
    for row in range(3):
        for col in range(4):
            assert (city.flow.values[:, 1, row, col] == ways[1][:, col, 2 - row]).all()
            assert (city.poi.values[:, row, col] == poi[col, 2 - row]).all()


def test_crosstres_refuses_poi_of_another_grid(folder):
    base, _, poi = write_crosstres(folder)
    save(base / "DC_poi.npy", poi[:2])
    with pytest.raises(DataError, match=r"DC_poi.npy: poi has shape \(2, 3, 14\)"):
        load("crosstres-dc-bike")


def write_h5(path, time, node, values):
    """A frame as pandas' HDFStore lays it out in fixed format, one block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group["axis0"] = group["block0_items"] = np.array(node).astype("S")
        group["axis1"] = time.asi8
        group["block0_values"] = values


def write_metr_la(folder, zeros=True):
    time = pd.date_range("2012-03-01", periods=12, freq="5min")
    values = np.random.default_rng(2).uniform(20, 70, (12, 3))
    values[4, 1] = 0.0
    write_h5(folder / "dcrnn" / "metr-la.h5", time, ["773869", "767541", "767542"], values)
    ids, matrix = (
        ["767541", "773869", "767542"],
        np.arange(9, dtype=np.float32).reshape(3, 3) / 9,
    )
    np.fill_diagonal(matrix, 1)
    contents = [ids, {name: i for i, name in enumerate(ids)}, matrix]
    (folder / "dcrnn" / "adj_mx.pkl").write_bytes(pickle.dumps(contents, protocol=2))
    rows = [
        "index,sensor_id,latitude,longitude",
        "0,767541,34.1,-118.2",
        "1,773869,34.2,-118.3",
    ]
    table = folder / "dcrnn" / "graph_sensor_locations.csv"
    table.write_text("\n".join([*rows, "2,767542,34.3,-118.4"]))
    return values, matrix


def test_dcrnn_h5_with_its_pickle(folder):
    """Columns of the h5 decide the order; the matrix and the places follow by sensor id."""
    values, matrix = write_metr_la(folder)
    city = load("metr-la")
    assert city.node.values.tolist() == [773869, 767541, 767542]
    assert np.isnan(city.speed.values[4, 1]) and np.isnan(city.speed.values).sum() == 1
    keep = values != 0
    assert np.allclose(city.speed.values[keep], values[keep])
    assert (city.adjacency.values == matrix[np.ix_([1, 0, 2], [1, 0, 2])]).all()
    assert city.lat.values.tolist() == [34.2, 34.1, 34.3]


def test_pems_bay_skipped_hour_comes_back_as_nan(folder):
    """The h5 leaves out 2017-03-12 02:00 to 02:55; time must be regular again, and say so."""
    time = pd.date_range("2017-03-12", periods=60, freq="5min")
    time = time[(time.hour != 2)]
    write_h5(folder / "dcrnn" / "pems-bay.h5", time, ["400001", "400017"], np.ones((48, 2)))
    contents = [["400001", "400017"], {}, np.ones((2, 2), np.float32)]
    (folder / "dcrnn" / "adj_mx_bay.pkl").write_bytes(pickle.dumps(contents))
    table = folder / "dcrnn" / "graph_sensor_locations_bay.csv"
    table.write_text("400001,37.36,-121.9\n400017,37.25,-121.95\n")
    city = load("pems-bay")
    assert city.sizes["time"] == 60
    assert np.isnan(city.speed.values).all(1).sum() == 12 and "NaN" in city.attrs["clock"]


def test_h5_with_a_duplicated_stamp_is_refused(folder):
    write_metr_la(folder)
    time = pd.date_range("2012-03-01", periods=12, freq="5min").to_series()
    time.iloc[7] = time.iloc[6]
    nodes = ["773869", "767541", "767542"]
    path = folder / "dcrnn" / "metr-la.h5"
    write_h5(path, pd.DatetimeIndex(time), nodes, np.ones((12, 3)))
    with pytest.raises(DataError, match="metr-la.h5: time at index 7 does not follow"):
        load("metr-la")


def test_h5_that_is_not_a_frame_is_refused(folder):
    write_metr_la(folder)
    (folder / "dcrnn" / "metr-la.h5").write_bytes(b"not hdf")
    with pytest.raises(DataError, match=r"metr-la.h5.*not a frame stored by pandas"):
        load("metr-la")


@pytest.mark.parametrize(("name", "city", "step"), [
    ("stgfsl-chengdu", "chengdu_m", 10), ("stgfsl-metr-la", "metr-la", 5),
])  # fmt: skip
def test_stgfsl_takes_channel_zero(folder, name, city, step):
    values = np.random.default_rng(3).uniform(5, 60, (20, 4, 2))
    save(folder / "stgfsl" / city / "dataset.npy", values)
    save(folder / "stgfsl" / city / "matrix.npy", np.ones((4, 4)))
    ds = load(name)
    assert np.allclose(ds.speed.values, values[..., 0])
    assert ds.attrs["step_minutes"] == step and ds.attrs["zone"] == "nominal"
    assert np.isnan(ds.lat.values).all()


def test_stgfsl_matrix_of_another_city_is_refused(folder):
    save(folder / "stgfsl" / "shenzhen" / "dataset.npy", np.ones((20, 4, 2)))
    save(folder / "stgfsl" / "shenzhen" / "matrix.npy", np.eye(5))
    with pytest.raises(DataError, match="disagree"):
        load("stgfsl-shenzhen")


def test_a_zero_is_missing_in_both_forms_of_metr_la_and_counted(folder):
    """One sensor's outage was NaN in one form and standing traffic in the other."""
    write_metr_la(folder)
    values = np.random.default_rng(2).uniform(20, 70, (12, 3, 2))
    values[4, 1] = 0.0
    save(folder / "stgfsl" / "metr-la" / "dataset.npy", values)
    save(folder / "stgfsl" / "metr-la" / "matrix.npy", np.ones((3, 3)))
    for read in (read_dcrnn, read_stgfsl):
        city, kept = read(folder, "metr-la"), read(folder, "metr-la", zeros_as_missing=False)
        assert (city.attrs["zeros_as_missing"], city.attrs["zeros_kept"]) == (1, 0)
        assert np.isnan(city.speed.values[4, 1]) and kept.speed.values[4, 1] == 0
        assert (kept.attrs["zeros_as_missing"], kept.attrs["zeros_kept"]) == (0, 1)


def test_dcrnn_adjacency_of_other_sensors_is_refused(folder):
    write_metr_la(folder)
    path = folder / "dcrnn" / "adj_mx.pkl"
    path.write_bytes(pickle.dumps([["773869", "767541"], {}, np.ones((2, 2))]))
    with pytest.raises(DataError, match=r"adj_mx.pkl: sensor 767542 is missing"):
        load("metr-la")
    path.write_bytes(pickle.dumps([["773869", "767541", "767542"], {}, np.ones((2, 3))]))
    with pytest.raises(DataError, match=r"adj_mx.pkl: matrix \(2, 3\) for 3 sensors"):
        load("metr-la")


def test_dcrnn_place_that_stands_there_twice_is_refused(folder):
    write_metr_la(folder)
    path = folder / "dcrnn" / "graph_sensor_locations.csv"
    path.write_text(path.read_text() + "\n3,767542,34.9,-118.9\n")
    with pytest.raises(DataError, match=r"locations.csv: sensor 767542 stands there twice"):
        load("metr-la")


def test_parts_of_other_shapes_or_numbers_are_refused(folder):
    write_taxibj(folder / "taxibj" / "P1")
    base = folder / "taxibj" / "P1" / "valid"
    y = np.ones((2, 128, 64), np.float32)
    save(base / "Y.npy", y)
    save(base / "X.npy", block_sum(y, 4))
    with pytest.raises(DataError, match=r"P1/valid: Y \(2, 1, 128, 64\) is not .* train"):
        read_parts(folder / "taxibj" / "P1", 4)


@pytest.mark.parametrize(("column", "value", "name"), [
    (3, -1, "weekend"), (4, 8, "day_of_week"), (5, 24, "hour"), (5, 1.5, "hour"),
    (6, 18, "weather"), (6, np.nan, "weather"),
])  # fmt: skip
def test_taxibj_factors_are_codes_of_urbanfm(folder, column, value, name):
    write_taxibj(folder / "taxibj" / "P1")
    path = folder / "taxibj" / "P1" / "valid" / "ext.npy"
    external = np.load(path)
    external[1, column] = value
    save(path, external)
    with pytest.raises(DataError, match=rf"valid/ext.npy: {name} is {value:g} in row 1"):
        load("taxibj-p1")


def test_h5_whose_columns_have_another_order_is_refused(folder):
    """pandas puts the columns of a block where block0_items says."""
    write_metr_la(folder)
    with h5py.File(folder / "dcrnn" / "metr-la.h5", "r+") as file:
        file["df/block0_items"][:] = file["df/axis0"][:][::-1]
    with pytest.raises(DataError, match=r"metr-la.h5: block0_items are others than axis0"):
        load("metr-la")


def test_crosstres_direction_without_a_trip_is_refused(folder):
    base, ways, _ = write_crosstres(folder)
    save(base / "BikeDC_dropoff.npy", ways[1] * 0)
    with pytest.raises(DataError, match="zero everywhere in direction dropoff"):
        load("crosstres-dc-bike")
