"""The day that a reader moves through: its hours, and what a naive form gives."""

import numpy as np

from stflow_lib.book.plots.speedgraph.day import speed_day
from stflow_lib.data import load


def test_a_day_has_its_hours_in_order():
    """From midnight on, on one day of the week; the city is said to be simulated."""
    shown = speed_day()
    assert [frame[-5:] for frame in shown.frames] == [f"{hour:02}:00" for hour in range(24)]
    assert len({frame[:-6] for frame in shown.frames}) == 1 and "imulated" in shown.title
    truth, guess, error = shown.layers[-3:]
    assert np.array_equal(error.values, np.abs(truth.values - guess.values), equal_nan=True)


def test_speeds_lie_at_their_hours():
    """Ten-minute means of the city's five-minute readings, on the day that is named."""
    shown, city = speed_day(), load("sim-speed-c")
    names = city["time"].dt.strftime("%A %H:%M").values
    for frame, seen in zip(shown.frames, shown.layers[0].values, strict=True):
        (first, *_) = [k for k in np.flatnonzero(names == frame) if k >= 3 * 288]
        mean = city["speed"].values[first : first + 2].mean(0)
        known = ~np.isnan(seen) & ~np.isnan(mean)
        assert known.any() and np.allclose(seen[known], mean[known], rtol=1e-4)
