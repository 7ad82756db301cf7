"""Pictures of traffic: the curves are the diagram's, the picture is the day and
way asked for."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stflow_lib.book.plots.data import simulated_traffic
from stflow_lib.data.simulate import simulate_speed
from stflow_lib.data.simulate.traffic import Diagram


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def pair():
    return simulate_speed(16, 3, seed=1)


def labelled(figure):
    """Every panel has a title, and units on both axes; colour bars have a label."""
    for axis in figure.axes:
        if axis.get_label() == "<colorbar>":
            assert axis.get_ylabel()
        else:
            assert axis.get_title() and axis.get_xlabel() and axis.get_ylabel()


def test_the_diagram_is_drawn_over_the_simulated_points(pair):
    """Flow left and speed right: swapped, the triangle would still look like a triangle."""
    diagram = Diagram(105.0)
    figure = simulated_traffic.diagram_figure(pair[1], diagram)
    labelled(figure)
    for axis, law in zip(figure.axes, (diagram.flow, diagram.speed), strict=True):
        points, line = axis.lines
        np.testing.assert_allclose(line.get_ydata(), law(line.get_xdata()))
        density, value = points.get_data()
        assert (value <= law(density) * 1.05 + 1e-6).mean() > 0.95
    assert "vehicles/h" in figure.axes[0].get_ylabel() and "km/h" in figure.axes[1].get_ylabel()


def test_a_wave_is_the_day_and_the_way_asked_for(pair):
    """Another day or carriageway shows other jams; kilometres grow with the traffic."""
    _, truth = pair
    way = int(truth["way"].values[5])
    figure = simulated_traffic.wave_figure(truth, way, 2, "mph", cell_km=0.8)
    labelled(figure)
    image = figure.axes[0].images[0]
    own = truth["way"].values == way
    want = truth["complete"].values[2 * 288 : 3 * 288][:, own].T
    np.testing.assert_array_equal(image.get_array(), want)
    assert image.origin == "lower" and image.get_extent() == [0, 24, 0, own.sum() * 0.8]
    assert figure.axes[1].get_ylabel() == "speed (mph)"
    drops = truth["lane_drop"].values[own].sum()
    assert len(figure.axes[0].lines) == drops
    assert ("dashed" in figure.axes[0].get_title()) == (drops > 0)


def test_reported_readings_lie_on_the_complete_ones(pair):
    """The orange line shows what was lost: it must be the same sensor and day
    as the blue one."""
    city, truth = pair
    figure = simulated_traffic.gaps_figure(city, truth)
    labelled(figure)
    left, right = figure.axes
    np.testing.assert_array_equal(left.images[0].get_array(), truth["missing"].values.T)
    lost, reported = (line.get_ydata() for line in right.lines)
    heard = np.isfinite(reported)
    assert heard.any() and np.array_equal(lost[heard], reported[heard])
    assert f"{100 * truth.missing.mean().item():.1f} %" in left.get_title()
