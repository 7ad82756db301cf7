"""Invented files have what people's files have."""

import numpy as np
import pandas as pd
import pytest

from stflow_lib.data import load, sensors_city
from stflow_lib.data.simulate.speed_files import write_speeds


@pytest.mark.parametrize("minutes", [5, 15])
def test_a_day_breaks_off_and_two_places_are_missing(minutes, tmp_path):
    speeds, sensors = write_speeds(tmp_path, minutes)
    table = pd.read_csv(speeds, index_col=0, parse_dates=True)
    assert table.index[-1].hour == 13 and len(table) == 110 * 60 // minutes
    assert pd.read_csv(sensors)["lat"].isna().sum() == 2
    city = sensors_city(speeds, sensors, zone="Europe/Berlin", unit="km/h")
    assert city.attrs["sensors_without_place"] == 2
    first = load("sim-speed-c").speed[: minutes // 5].mean("time")
    assert np.allclose(city.speed.values[0], first, atol=0.051, equal_nan=True)
