"""Sensors by id: any order, no doubles, none missing."""

from pathlib import Path

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.readers.sensors import positions, require_series, sensor_ids

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


def test_series_have_a_row_for_each_step_and_a_column_for_each_sensor():
    data = {"time": np.arange(3), "sensor": np.arange(2), "a": np.ones((3, 2)), "b": np.ones(2)}
    require_series(data, ["a"], FILE)
    with pytest.raises(DataError, match=r"a.csv: b has shape \(2,\), not \(3, 2\)"):
        require_series(data, ["a", "b"], FILE)
