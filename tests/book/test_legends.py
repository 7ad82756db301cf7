"""Whether a legend lies over data: each kind of data is found, and what stands free is not."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stflow_lib.book.legends import covered
from stflow_lib.book.stacked import forms

LEFT, RIGHT = "upper left", "upper right"  # data stand in the upper left corner


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def points(axis):
    axis.scatter([0.05], [0.95], label="seen")


def line(axis):
    axis.plot([0, 0.3], [0.97, 0.97], label="seen")  # both ends may be beside the legend


def crossing(axis):
    axis.plot([0, 0.3], [0, 3], label="seen")  # no vertex is in the legend


def marks(axis):
    axis.plot([0.05, 0.95], [0.95, 0.05], "o", label="seen")


def bars(axis):
    axis.bar([0.1], [1], 0.1, label="seen")


def errors(axis):
    axis.errorbar([0.1], [0.5], 0.48, label="seen")


def band(axis):
    axis.fill_between([0, 0.3], [0, 0], [3, 3], label="seen")


def words(axis):
    axis.plot([], [], label="seen")
    axis.text(0.02, 0.93, "a label")


def title(axis):
    axis.plot([], [], label="seen")
    axis.set_title("errors", y=0.93, loc="left")


KINDS = [title, points, line, crossing, marks, bars, errors, band, words]


@pytest.mark.parametrize("draw", KINDS)
def test_data_under_a_legend_are_found(draw):
    """A reader must see every point; a legend hides it or cannot be read itself."""
    found = {}
    for corner in (LEFT, RIGHT):
        fig, axis = plt.subplots()
        draw(axis)
        axis.set(xlim=(0, 1), ylim=(0, 1), title="errors")
        axis.legend(loc=corner)
        fig.draw_without_rendering()
        found[corner] = covered(fig)
    assert found[LEFT] and all("(errors)" in one for one in found[LEFT])
    assert not found[RIGHT]


def test_data_beyond_the_limits_and_gaps_are_not_drawn():
    fig, axis = plt.subplots()
    axis.plot([0.05, 0.06], [5, 6], label="too high")
    axis.plot([0, 0.1, 0.3], [np.nan, np.nan, 0.1], label="with gaps")
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.legend(loc=LEFT)
    fig.draw_without_rendering()
    assert covered(fig) == []


def test_a_map_may_carry_a_legend_and_a_legend_may_stand_outside():
    fig, (left, right) = plt.subplots(1, 2, layout="constrained")
    left.imshow(np.eye(9), label="map")
    left.plot([], [], label="road")
    left.legend(loc=LEFT)
    points(right)
    right.legend(loc="lower left", bbox_to_anchor=(0, 1))
    fig.legend(loc="outside lower center")
    fig.draw_without_rendering()
    assert covered(fig) == []


def test_a_legend_of_the_figure_over_a_panel_is_found():
    fig, axis = plt.subplots()
    axis.plot([0, 1], [0, 1], label="rule")
    fig.legend(loc="center")
    fig.draw_without_rendering()
    assert covered(fig) == ["rule (no title)"]


@pytest.mark.parametrize("width", [5, 11])
def test_a_figure_that_is_shown_warns(width):
    """Small figures have one form, wide ones two: both are looked at."""
    fig, axis = plt.subplots(figsize=(width, 4))
    axis.plot([0, 1], [0, 1], label="rule")
    axis.legend(loc="center")
    with pytest.warns(UserWarning, match="a legend covers rule"):
        forms(fig)


def test_what_the_narrow_form_alone_covers_is_found():
    """A corner that is free at a desk need not be free on a phone."""
    fig, axis = plt.subplots(figsize=(14, 4))
    axis.plot([0.3, 0.31], [0.9, 0.95], label="a method with a rather long name")
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.legend(loc=LEFT)
    fig.draw_without_rendering()
    assert not covered(fig)
    with pytest.warns(UserWarning, match="a legend covers"):
        forms(fig)
