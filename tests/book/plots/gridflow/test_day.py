"""The day that a reader moves through: its hours, and what a naive form gives."""

import numpy as np

from stflow_lib.book.plots.gridflow.day import demand_day
from stflow_lib.data import load
from stflow_lib.gridflow import make_task


def test_a_day_has_its_hours_in_order():
    """From midnight on, on one day of the week; the city is said to be simulated."""
    shown = demand_day()
    assert [frame[-5:] for frame in shown.frames] == [f"{hour:02}:00" for hour in range(24)]
    assert len({frame[:-6] for frame in shown.frames}) == 1 and "imulated" in shown.title
    truth, guess, error = shown.layers[-3:]
    assert np.array_equal(error.values, np.abs(truth.values - guess.values), equal_nan=True)


def test_demand_is_the_citys_at_those_hours():
    """Read from the city itself, not from the task."""
    shown, city = demand_day(), load("sim-grid-c")
    first = int(make_task(city, [load("sim-grid-a")], "P60", days=3).test[0])
    own = city["flow"].values[first : first + 24, 0]
    seen = ~np.isnan(shown.layers[0].values)
    assert seen.any() and np.array_equal(shown.layers[0].values[seen], own[seen])
