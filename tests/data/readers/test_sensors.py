"""Sensors by id: any order, no doubles, none missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers.sensors import (
    positions,
    read_series,
    sensor_ids,
    sensors_table,
    stamps,
)

FILE = Path("a.csv")


@pytest.mark.parametrize("names", [["12", "7"], [b"12", b"7"], [12.0, 7.0], np.array([12, 7])])
def test_ids_are_whole_numbers_however_written(names):
    ids = sensor_ids(names, FILE)
    assert ids.tolist() == [12, 7] and ids.dtype == np.int64


@pytest.mark.parametrize(("names", "rule"), [
    (["7", "7.1"], "a.csv: '7.1' is no sensor id"), (["Unnamed: 2"], "'Unnamed: 2' is no sensor"),
    ([7, 8, 7], "a.csv: sensor 7 stands there twice"), ([7.5], "7.5 .* does not fit int64"),
    ([float("nan")], "nan .* does not fit int64"), ([None], "None is no sensor id"),
    ([2**64], "does not fit int64|no number"),
])  # fmt: skip
def test_what_is_no_id_or_doubled_is_named(names, rule):
    with pytest.raises(DataError, match=rule):
        sensor_ids(names, FILE)


def test_positions_bring_a_file_into_the_wanted_order():
    assert positions(["9", "5", "7"], np.array([5, 7]), FILE).tolist() == [1, 2]
    with pytest.raises(DataError, match="a.csv: sensor 4 is missing"):
        positions([9, 5], np.array([5, 4]), FILE)


def write_series(path, **changes):
    time = np.datetime64("2024-01-01T00:00") + np.arange(3) * np.timedelta64(5, "m")
    np.savez(path, **{"time": time, "sensor": [4, 2], "a": np.ones((3, 2)), **changes})


def test_series_have_a_row_for_each_step_and_a_column_for_each_sensor(tmp_path):
    write_series(path := tmp_path / "a.npz")
    data = read_series(path, {"a": np.float32})
    assert data["a"].dtype == np.float32 and data["a"].shape == (3, 2)
    assert data["time"].dtype == "datetime64[ns]" and data["sensor"].tolist() == [4, 2]


@pytest.mark.parametrize(("changes", "rule"), [
    ({"a": np.ones(2)}, r"a has shape \(2,\), not \(3, 2\)"), ({"time": 3}, "time has shape"),
    ({"sensor": 3}, r"sensor has shape \(\)"), ({"time": [1, 2, 3]}, "time: integer"),
    ({"time": np.array(["NaT"] * 3, "M8[s]")}, "time: no stamp"), ({"sensor": [4, 4]}, "twice"),
    ({"a": np.full((3, 2), "7")}, "a: <U1 is no number"), ({"a": np.full((3, 2), 1e39)}, "1e"),
])  # fmt: skip
def test_a_series_that_is_none_is_named_with_its_file(tmp_path, changes, rule):
    write_series(tmp_path / "a.npz", **changes)
    with pytest.raises(DataError, match=rf"a\.npz: .*{rule}"):
        read_series(tmp_path / "a.npz", {"a": np.float32})


@pytest.mark.parametrize("ids", [(2, 4, 9), ("2.0", "4.0", "9.0")])
def test_the_table_of_sensors_comes_in_their_order(tmp_path, ids):
    path = tmp_path / "a.csv"
    path.write_text("x,id\n" + "".join(f"{i},{name}\n" for i, name in enumerate(ids)))
    table = sensors_table({"sensor": np.array([9, 2])}, path, {"id": "sensor", "x": "y"})
    assert table["sensor"].tolist() == [9, 2] and table["y"].tolist() == [2, 0]
    assert table["sensor"].dtype == np.int64


def test_a_stamp_that_is_none_is_named_with_its_file():
    assert stamps(pd.Series(["1/2/2024 3:04"]), FILE, "%m/%d/%Y %H:%M")[0].day == 2
    with pytest.raises(DataError, match=r"a.csv: .*soon"):
        stamps(pd.Series(["2024-01-01", "soon"]), FILE)
