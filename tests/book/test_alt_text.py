"""What a figure says of itself: its title, its axes, its main reading."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.lib.pretty import pretty

import stflow_lib.book.plots  # noqa: F401  figures say in IPython what they show
from stflow_lib.book.alt_text import EMPTY, describe


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_title_axes_and_lines_are_named():
    """A reader who hears the page must learn what is drawn against what, and how it ends."""
    fig, axis = plt.subplots()
    axis.plot([1, 2, 3], [5, 3, 4], label="UrbanSTC")
    axis.axhline(3.5)  # a bound is no series
    axis.set(title="taxi-sf", xlabel="days", ylabel="RMSE (vehicles)")
    fig.suptitle("Errors against\ndays")
    assert describe(fig) == (
        "Errors against days. taxi-sf; x: days, y: RMSE (vehicles); "
        "UrbanSTC from 5 to 4, between 3 and 5."
    )


def test_bars_name_the_longest():
    fig, axis = plt.subplots()
    axis.barh(["HA", "UrbanFM", "MEAN"], [1.5, 1.25, 4])
    assert "3 bars, the longest at MEAN: 4" in describe(fig)


def test_maps_and_points_say_their_values():
    fig, (left, right) = plt.subplots(1, 2)
    drawn = left.imshow([[0, 1], [2, np.nan]])
    left.axis("off")
    fig.colorbar(drawn)  # is no panel
    right.scatter([1, 2, 3], [4, 5, 9], label="seeds")
    assert describe(fig) == (
        "Figure with 2 panels. map with values from 0 to 2. seeds: 3 points, median x 2 y 5."
    )


def test_many_panels_are_counted_not_told():
    """An alt text is heard in one go."""
    fig, axes = plt.subplots(3, 4)
    for axis in axes.flat:
        axis.plot([1, 2])
    assert describe(fig).endswith("And 8 more panels of the same kind.")
    assert len(describe(fig)) < 600


def test_an_empty_panel_is_called_empty():
    """Axes without data are a fault of the page that the site's tests look for."""
    fig, axis = plt.subplots()
    axis.set_title("RMSE")
    assert describe(fig) == f"Figure. RMSE; {EMPTY}."


def test_ipython_prints_what_a_figure_shows():
    """The kernel sends this text beside the picture; the site has it as alt text."""
    fig, axis = plt.subplots()
    axis.plot([1, 2], label="HA")
    assert pretty(fig) == describe(fig) and "HA from 1 to 2" in pretty(fig)


def test_arrows_areas_and_words_are_no_empty_panel():
    figure, axes = plt.subplots()
    axes.annotate("", (1, 1), (0, 0), arrowprops={"arrowstyle": "->"})
    axes.hist([1.0, 2.0], histtype="stepfilled")
    axes.text(0, 0, "here")
    said = describe(figure)
    assert EMPTY not in said and "1 arrow" in said and "1 label" in said
    plt.close(figure)
