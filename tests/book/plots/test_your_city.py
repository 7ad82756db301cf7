"""Figures of a person's own city show the numbers of the forecast."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stflow_lib.book.plots.your_city import band_figure, busiest, maps_figure
from stflow_lib.data import load
from stflow_lib.gridflow import forecast


@pytest.fixture(scope="module")
def pair():
    city = load("sim-grid-c").isel(time=slice(0, 200))
    return city, forecast(city, hours=2, method="Yesterday")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_busiest_cell():
    city = load("sim-grid-c")
    row, col = busiest(city, city.direction.values[1])
    total = city.flow.values[:, 1].sum(0)
    assert total[row, col] == total.max()


def test_a_panel_for_each_direction_with_band_and_past(pair):
    city, found = pair
    fig = band_figure(city, found, (2, 3))
    assert len(fig.axes) == city.sizes["direction"]
    for d, axes in enumerate(fig.axes):
        past, ahead = axes.lines
        assert np.array_equal(past.get_ydata(), city.flow.values[-72:, d, 2, 3])
        assert np.array_equal(ahead.get_ydata(), found["mean"].values[:, d, 2, 3])
        top = axes.collections[0].get_paths()[0].vertices[:, 1].max()
        assert np.isclose(top, found.upper.values[:, d, 2, 3].max())
    assert [text.get_text() for text in fig.legends[0].texts] == [
        "counted",
        "90% interval",
        "forecast",
    ]


def test_maps_of_mean_and_width_north_up(pair):
    found = pair[1]
    fig = maps_figure(found, step=1, direction=0)
    mean, width = (axes.images[0].get_array() for axes in fig.axes[:2])
    one = found.isel(time=1, direction=0)
    assert np.array_equal(mean, one["mean"]) and np.array_equal(width, one.upper - one.lower)
    rows = {"lat_min": 1.0, "lat_max": 2.0, "lon_min": 0.0, "lon_max": 1.0}
    lat = ("row", np.linspace(2, 1, found.sizes["row"]))
    placed = maps_figure(found.assign_coords(lat=lat).assign_attrs(rows))
    assert placed.axes[0].images[0].get_extent() == [0.0, 1.0, 1.0, 2.0]
    assert placed.axes[0].images[0].origin == "upper"
