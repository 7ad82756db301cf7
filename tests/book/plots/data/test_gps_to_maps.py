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
