"""Pictures of flow: north is up, and every axes says what it shows."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.data import gps_to_maps
from stflow_lib.data import Box
from stflow_lib.data.rasterize import gps

BOX = Box(0.0, 0.4, 0.0, 0.6)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_row_zero_is_drawn_in_the_north():
    """A map upside down looks plausible; the pixel of row 0 must lie at the top latitude."""
    values = np.array([[9.0, 1.0], [2.0, 3.0]])
    image = gps_to_maps.maps_figure({"map": values}, BOX, "entries").axes[0].images[0]
    assert image.origin == "upper" and image.get_extent() == [0.0, 0.6, 0.0, 0.4]
    np.testing.assert_array_equal(image.get_array(), values)


def test_the_density_of_fixes_is_drawn_with_the_north_up():
    """The histogram counts from the south, the picture from the north: one flip, not two."""
    fixes = gps.Fixes([0, 0], [0, 60], [39_900, 39_900], [100, 100], [0, 1])
    image = gps_to_maps.fixes_figure(fixes, fixes, BOX, "track").axes[0].images[0]
    assert image.get_array()[0, 0] == 2 and image.get_array().sum() == 2


def figures():
    fixes = gps.Fixes([0, 0], [0, 60], [10_000, 20_000], [10_000, 20_000], [0, 1])
    counts, day = np.arange(4.0).reshape(2, 2) + 20, pd.Series([1.0, 2.0], [0.0, 12.0])
    yield gps_to_maps.fixes_figure(fixes, fixes, BOX, "track")
    yield gps_to_maps.pairs_figure(np.array([60, 500]), np.array([20.0, 30.0]), 180, 130)
    yield gps_to_maps.walk_figure(np.array([[0.5, 0.5], [0.5, 1.5]]), [(0.5, 1, 0, 1)], 1, 2)
    yield gps_to_maps.sampling_figure(np.array([1, 2]), [0.5, 0.9])
    yield gps_to_maps.clock_figure({"local": day, "UTC": day})
    yield gps_to_maps.noise_figure(np.array([1.0, 2.0]), np.array([1.0, 3.0]), {"map": 0.9})
    yield gps_to_maps.rides_figure(counts, counts[::-1], BOX)


def test_every_axes_has_a_title_and_labels():
    """A picture without units is a decoration; colour bars carry their label on the side."""
    for figure in figures():
        for axis in figure.axes:
            bar = axis.get_label() == "<colorbar>"
            assert axis.get_ylabel() if bar else axis.get_title() and axis.get_xlabel()


def test_gaps_and_speeds_by_hand():
    """A degree north in an hour is 111.195 km/h; from taxi to taxi there is no line."""
    fixes = gps.Fixes(
        [0, 0, 1, 1],
        [0, 3600, 0, 60],
        [0, 100_000, 6_000_000, 6_000_000],
        [0, 0, 0, 2000],
        [0] * 4,
    )
    gap, kmh = gps_to_maps.gaps_and_speeds(fixes)
    assert gap.tolist() == [3600, 60]
    assert kmh == pytest.approx([111.195, 111.195 / 2 * 0.02 * 60])


def test_a_mean_day_is_by_the_clock_of_its_axis():
    """Two days of two steps: the sums of maps at the same hour, averaged."""
    time = pd.date_range("2024-05-06", periods=4, freq="12h")
    counts = np.arange(8).reshape(4, 1, 2)
    day = gps_to_maps.mean_day(time, counts)
    assert day.to_dict() == {0.0: (1 + 9) / 2, 12.0: (5 + 13) / 2}


def test_independent_throws_have_a_noise_share_of_one():
    """Multinomial splits of a known share: the floor is the whole error, in the mean."""
    rng = np.random.default_rng(0)
    share = np.array([0.4, 0.3, 0.2, 0.1])
    cells = rng.multinomial(rng.poisson(30, 4000), share).reshape(4000, 2, 2)
    assert gps_to_maps.noise_share(cells, 2) == pytest.approx(1, abs=0.05)
    moved = np.concatenate([cells[:2000], cells[2000:, ::-1]])
    assert gps_to_maps.noise_share(moved, 2) < 0.8  # shares that change are no noise


def test_mean_and_variance_are_pooled_over_times_of_day():
    """Weekdays and weekends apart; a time of day that comes once says nothing
    of its variance."""
    time = pd.DatetimeIndex(["2024-05-06 08:00", "2024-05-07 08:00", "2024-05-08 08:00",
                             "2024-05-11 08:00", "2024-05-12 08:00",
                             "2024-05-12 09:00"])  # fmt: skip
    counts = np.array([1.0, 2, 3, 10, 14, 99])[:, None, None]
    mean, variance = gps_to_maps.mean_and_variance(time, counts)
    assert mean.tolist() == [(3 * 2 + 2 * 12) / 5] and variance.tolist() == [
        (3 * 1 + 2 * 8) / 5
    ]
