"""The days that a reader moves through: their hours, and errors that a naive form gives, too."""

import numpy as np
import pytest

from stflow_lib import gridflow
from stflow_lib.book.plots import days
from stflow_lib.data import load


@pytest.mark.parametrize("day", [days.fine_day, days.demand_day, days.speed_day])
def test_a_day_has_its_hours_in_order(day):
    """From midnight on, on one day of the week; the city is said to be simulated."""
    shown = day()
    assert [frame[-5:] for frame in shown.frames] == [f"{hour:02}:00" for hour in range(24)]
    assert len({frame[:-6] for frame in shown.frames}) == 1 and "imulated" in shown.title
    truth, guess, error = shown.layers[-3:]
    assert np.array_equal(error.values, np.abs(truth.values - guess.values), equal_nan=True)


def test_the_coarse_map_is_what_the_fine_one_sums_to():
    """Sixteen cells of what is seen are a block's count."""
    coarse, true = (layer.values for layer in days.fine_day().layers[:2])
    blocks = true.reshape(24, 8, 4, 8, 4).sum((2, 4))
    assert np.allclose(coarse * 16, blocks, rtol=1e-5)


def test_demand_is_the_citys_at_those_hours():
    """Read from the city itself, not from the task."""
    shown, city = days.demand_day(), load("sim-grid-c")
    first = int(gridflow.make_task(city, [load("sim-grid-a")], "P60", days=3).test[0])
    own = city["flow"].values[first : first + 24, 0]
    seen = ~np.isnan(shown.layers[0].values)
    assert seen.any() and np.array_equal(shown.layers[0].values[seen], own[seen])


def test_speeds_lie_at_their_hours():
    """Ten-minute means of the city's five-minute readings, on the day that is named."""
    shown, city = days.speed_day(), load("sim-speed-c")
    names = city["time"].dt.strftime("%A %H:%M").values
    for frame, seen in zip(shown.frames, shown.layers[0].values, strict=True):
        (first, *_) = [k for k in np.flatnonzero(names == frame) if k >= 3 * 288]
        mean = city["speed"].values[first : first + 2].mean(0)
        known = ~np.isnan(seen) & ~np.isnan(mean)
        assert known.any() and np.allclose(seen[known], mean[known], rtol=1e-4)
