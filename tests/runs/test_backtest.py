"""Rolling origins: what is forecast from, what it is held against, for both kinds of cities."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stflow_lib.data import DataError
from stflow_lib.data.schema import graph_city, grid_city, with_content_hash
from stflow_lib.runs.backtest import backtest

CARD = {"zone": "Etc/GMT", "source": "made for a test", "licence": "MIT", "unit": "km/h"}


def roads(days=4, minutes=30):
    """A ramp: step t reads t / 10 at one sensor, nothing at the other in odd steps."""
    steps = days * 1440 // minutes
    speed = np.arange(steps, dtype=np.float32)[:, None].repeat(2, 1) / 10
    speed[1::2, 1] = np.nan
    time = pd.date_range("2024-01-01", periods=steps, freq=f"{minutes}min")
    nowhere = [np.nan] * 2
    city = graph_city(
        speed, time, None, nowhere, nowhere, name="ramp", step_minutes=minutes, **CARD
    )
    return with_content_hash(city)


def last_value(asked):
    """A forecast that repeats the last step, 1 wide; it notes what it is given."""

    def forecast(city, method, levels, minutes=0, hours=0):
        asked.append(city)
        step = int(city.attrs["step_minutes"])
        values = city["speed" if city.attrs["kind"] == "graph" else "flow"]
        count = int((minutes or 60 * hours) // step)
        time = city.time.values[-1] + np.timedelta64(step, "m") * np.arange(1, count + 1)
        mean = (
            values.isel(time=-1).fillna(values.isel(time=-2)).drop_vars("time", errors="ignore")
        )
        mean = mean.expand_dims(time=time)
        ends = {"mean": mean, "lower": mean - 0.15, "upper": mean + 0.15}
        return xr.Dataset(ends, attrs={"method": method})

    return forecast


def test_errors_of_the_last_value_on_a_ramp_are_its_slope():
    """k steps ahead the ramp is k / 10 higher; the second sensor's last may be a step older."""
    city, asked = roads(), []
    found = backtest(city, "Last value", forecast=last_value(asked), days=[1, 2], origins=3,
                     minutes=120)  # fmt: skip
    assert list(found["minutes"].unique()) == [30, 60, 90, 120] and len(found) == 2 * 3 * 4
    assert len(found["origin"].unique()) == 3
    single = found[found["n"] == 1]
    assert len(single) and np.allclose(single["mae"], single["minutes"] / 300, atol=1e-5)
    assert np.allclose(single["inside"], single["minutes"] <= 30)
    assert found.attrs["unit"] == "km/h" and found.attrs["method"] == "Last value"


def test_only_the_days_before_an_origin_are_given():
    city, asked = roads(), []
    found = backtest(
        city, "x", forecast=last_value(asked), days=[0.5, 2], origins=2, minutes=60
    )
    ends = [given.time.values[-1] + np.timedelta64(30, "m") for given in asked]
    assert ends == found["origin"].drop_duplicates().repeat(2).to_list()
    assert [city.sizes["time"] for city in asked] == [24, 96] * 2
    assert ends[0] == city.time.values[96]
    assert found["origin"].max() == city.time.values[-2]


def test_what_a_fit_says_is_not_said_at_every_moment(capsys):
    guess = last_value([])

    def talking(city, **asked):
        print("no adjacency")
        return guess(city, **asked)

    backtest(roads(), "x", forecast=talking, days=[1], origins=2, minutes=60)
    assert capsys.readouterr().out == ""


def test_cells_without_a_trip_do_not_count():
    """One cell has 2 and 4 trips by turns, the other none: the last value is 2 off or right."""
    flow = np.zeros((96, 1, 1, 2), np.float32)
    flow[:, 0, 0, 0] = np.tile([2, 4], 48)
    time = pd.date_range("2024-01-01", periods=96, freq="h")
    city = with_content_hash(
        grid_city(flow, time, ["starts"], name="grid", step_minutes=60, **CARD)
    )
    found = backtest(city, "x", forecast=last_value([]), days=[1], origins=3, hours=2)
    assert found.groupby("minutes")["mae"].unique().map(list).to_dict() == {60: [2], 120: [0]}
    assert set(found["n"]) == {1}


def test_a_city_that_is_too_short_is_named():
    with pytest.raises(DataError, match="ramp: 192 steps, 240 before an origin and 2 after"):
        backtest(roads(), forecast=last_value([]), days=[5], minutes=60)
    with pytest.raises(DataError, match="want hours=... or minutes="):
        backtest(roads(), forecast=last_value([]))
    with pytest.raises(DataError, match="days"):
        backtest(roads(), forecast=last_value([]), days=[], minutes=60)
