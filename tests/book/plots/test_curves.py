"""Training curves: nothing is dropped silently, and every axes says what it shows."""

import matplotlib.pyplot as plt
import pytest

from stflow_lib.book.plots.curves import curves_figure, draw_seeds
from stflow_lib.book.plots.style import PALETTE


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def lines(axis) -> list[list[float]]:
    return [list(line.get_ydata()) for line in axis.lines]


def test_every_seed_is_drawn_and_the_name_says_how_many():
    """A mean over seeds hides the one that collapsed: each seed must be its own line."""
    curves = [[3.0, 2.0], [3.0, 9.0, 9.0]]
    axis = curves_figure({("a", "RMSE"): {"relu": curves}}).axes[0]
    assert lines(axis) == curves
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["relu (2 seeds)"]
    assert axis.lines[1].get_xdata()[0] == 1 and axis.get_xlim() == (0.5, 3.5)


def test_panels_that_do_not_fill_a_row_leave_no_empty_axes():
    """An empty frame looks like a run without results."""
    panels = {(str(n), "loss"): {"x": [[1.0]]} for n in range(4)}
    assert len(curves_figure(panels).axes) == 4


def test_shares_are_drawn_from_none_to_all():
    """Autoscaled, a line at zero dead blocks sits in the middle of the picture."""
    axis = curves_figure({("a", "share of blocks"): {"x": [[0.0, 0.0]]}}).axes[0]
    low, high = axis.get_ylim()
    assert low <= 0 and 1 <= high < 1.1


def test_panels_carry_their_title_and_both_labels():
    axis = curves_figure({("stage", "RMSE (cars)"): {"x": [[1.0, 0.5]]}}).axes[0]
    assert (axis.get_title(), axis.get_xlabel()) == ("stage", "epoch")
    assert axis.get_ylabel() == "RMSE (cars)"


def test_rows_differ_in_colour_and_in_line():
    axis = curves_figure({("a", "loss"): {"x": [[1.0]], "y": [[2.0]]}}).axes[0]
    assert [line.get_color() for line in axis.lines] == [*PALETTE[:2]]
    assert [line.get_linestyle() for line in axis.lines] == ["-", "--"]


def test_short_curves_have_points():
    """A curve of one epoch is no line."""
    axis = plt.subplots()[1]
    draw_seeds(axis, "x", [[1.0], [1.0] * 4], "red", "-")
    assert [line.get_marker() for line in axis.lines] == ["o", ""]
