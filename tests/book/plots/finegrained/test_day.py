"""The day that a reader moves through: its hours, and what a naive form gives."""

import numpy as np

from stflow_lib.book.plots.finegrained.day import fine_day


def test_a_day_has_its_hours_in_order():
    """From midnight on, on one day of the week; the city is said to be simulated."""
    shown = fine_day()
    assert [frame[-5:] for frame in shown.frames] == [f"{hour:02}:00" for hour in range(24)]
    assert len({frame[:-6] for frame in shown.frames}) == 1 and "imulated" in shown.title
    truth, guess, error = shown.layers[-3:]
    assert np.array_equal(error.values, np.abs(truth.values - guess.values), equal_nan=True)


def test_the_coarse_map_is_what_the_fine_one_sums_to():
    """Sixteen cells of what is seen are a block's count."""
    coarse, true = (layer.values for layer in fine_day().layers[:2])
    blocks = true.reshape(24, 8, 4, 8, 4).sum((2, 4))
    assert np.allclose(coarse * 16, blocks, rtol=1e-5)
