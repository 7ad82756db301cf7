"""Pictures of the speed problem: right places, right units, gaps that are seen as gaps."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.speedgraph import problem
from stflow_lib.data.schema import graph_city, with_content_hash


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def city():
    """Three sensors in a row, the second linked with both others one way."""
    weights = np.eye(3, dtype=np.float32)
    weights[0, 1], weights[2, 1] = 0.5, 1.0
    speed = np.full((4, 3), 50.0) + np.arange(3)
    time = pd.date_range("2024-01-01", periods=4, freq="10min")
    made = graph_city(speed, time, weights, [1.0, 1.1, 1.2], [5.0, 5.0, 5.3], name="row",
                      zone="Etc/UTC", step_minutes=10, unit="mph", source="a test",
                      licence="MIT")  # fmt: skip
    return with_content_hash(made)


def test_links_join_the_places_of_their_sensors(city):
    """Latitude and longitude exchanged would draw another city; self loops are no links."""
    axis = plt.figure().add_subplot()
    assert problem.places(axis, city) == 2
    drawn = axis.collections[0]
    assert [segment.tolist() for segment in drawn.get_segments()] == [
        [[5.0, 1.0], [5.0, 1.1]],
        [[5.0, 1.1], [5.3, 1.2]],
    ]
    assert drawn.get_linewidths() == pytest.approx([0.8, 1.3])


def test_graphs_keep_scales_and_units_of_their_own(city):
    """One colour scale for mph and km/h would compare what cannot be."""
    other = with_content_hash(city.assign(speed=city.speed * 2), name="metric", unit="km/h")
    figure = problem.graphs_figure({"row": city, "metric": other})
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[:2] == ["row: 3 sensors, 2 links", "metric: 3 sensors, 2 links"]
    points = [axis.collections[1].get_array().tolist() for axis in figure.axes[:2]]
    assert points == [[50, 51, 52], [100, 102, 104]]
    assert {a.get_ylabel() for a in figure.axes} >= {"mean speed (mph)", "mean speed (km/h)"}


def test_visible_days_are_the_first_ones():
    stamps = pd.date_range("2024-01-05", periods=24 * 9, freq="h")
    series = {"one": pd.Series(np.arange(24.0 * 9), stamps)}
    axis = problem.days_figure(series, {"one": "mph"}, 3, 7).axes[0]
    assert axis.get_ylabel() == "mean (mph)" and axis.get_xlabel() == "day of the week"
    band = axis.patches[0]
    assert (band.get_x(), band.get_width()) == (0, 3)
    line = axis.lines[0]
    assert line.get_xdata()[-1] == pytest.approx(7 - 1 / 24) and line.get_ydata()[0] == 0
    assert [t.get_text() for t in axis.get_xticklabels()][:3] == ["Fri", "Sat", "Sun"]
    assert axis.get_title(loc="left") == "one, from Friday 2024-01-05"


def test_window_tells_inputs_labels_and_gaps():
    """The newest input is minute 0, the first label one step later; gaps are no labels."""
    past, truth = np.arange(12.0)[None], np.arange(6.0)[None] + 50
    seen = np.ones((1, 18), bool)
    seen[0, [3, 14]] = False
    axis = problem.window_figure(past, truth, seen, 10, (1, 3, 6), "mph", "t").axes[0]
    assert (axis.get_title(), axis.get_ylabel()) == ("t", "speed (mph)")
    assert axis.get_xlabel() == "minutes from the newest input"
    line, dots, filled, labels, big = axis.lines
    assert line.get_xdata()[[0, -1]].tolist() == [-110, 0]
    assert filled.get_ydata().tolist() == [3] and len(dots.get_xdata()) == 12
    assert labels.get_xdata().tolist() == [10, 20, 40, 50, 60]  # the third was not measured
    assert big.get_xdata().tolist() == [10, 60] and big.get_ydata().tolist() == [50, 55]


def test_growth_draws_ours_and_the_printed():
    steps = ["first", "second"]
    ours = pd.DataFrame({"P10": [1.0, 1.2], "P5": [1.0, 1.5]}, steps)
    axis = problem.growth_figure(ours, pd.DataFrame({"printed": [1.0, 1.3]}, steps), "t").axes[
        0
    ]
    assert [line.get_ydata()[1] for line in axis.lines] == [1.2, 1.5, 1.3]
    assert axis.lines[2].get_color() == "black"
    assert (axis.get_title(), axis.get_ylabel()) == ("t", "times the first step's error")
    assert [t.get_text() for t in axis.get_xticklabels()] == steps


def test_horizons_have_a_panel_and_a_unit_for_each_city():
    frame = pd.DataFrame({"HA": [2.0, 3.0], "Ridge": [1.0, 2.5]}, index=["10", "60"])
    figure = problem.horizons_figure(
        {"a": frame, "b": 2 * frame, "c": frame}, {"a": "mph", "b": "km/h", "c": "mph"}, "MAE"
    )
    assert [axis.get_ylabel() for axis in figure.axes] == [
        "MAE (mph)",
        "MAE (km/h)",
        "MAE (mph)",
    ]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [4, 6]
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c"]
    assert figure.axes[0].get_xlabel() == "minutes ahead"
    assert all(axis.get_ylim()[0] == 0 for axis in figure.axes)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["HA", "Ridge"]


def test_forecasts_lie_over_what_was_measured():
    """A gap in what was measured stays a gap."""
    hours = np.arange(4.0)
    truth = np.array([[1, 2, np.nan, 4], [5, 6, 7, 8.0]])
    figure = problem.forecast_figure(hours, truth, {"rule": truth + 1}, ["x", "y"], "mph", "t")
    upper, lower = figure.axes
    assert figure.get_suptitle() == "t" and upper.get_ylabel() == "speed (mph)"
    assert lower.get_xlabel() == "hour of the day"
    assert np.isnan(upper.lines[0].get_ydata()[2]) and lower.get_title(loc="left") == "y"
    assert lower.lines[1].get_ydata().tolist() == [6, 7, 8, 9]
