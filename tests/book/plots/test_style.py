"""How axes look: few spines, round ticks, one legend."""

import matplotlib.pyplot as plt
import pytest

from stflow_lib.book.plots.style import bare, legend_above, legend_below, plain_ticks
from stflow_lib.book.stacked import stacked


@pytest.fixture
def figure():
    made, _ = plt.subplots(1, 2)
    yield made
    plt.close(made)


def test_a_bare_panel_has_two_spines(figure):
    bare(figure.axes[0])
    visible = {name for name, spine in figure.axes[0].spines.items() if spine.get_visible()}
    assert visible == {"left", "bottom"}


def test_logarithmic_ticks_are_plain_numbers(figure):
    """10^0 and 2 x 10^0 are read by few."""
    axes = figure.axes[0]
    axes.set_xscale("log")
    axes.plot([1, 30], [0, 1])
    plain_ticks(axes.xaxis)
    figure.canvas.draw()
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert {"1", "2", "5", "10", "20"} <= set(shown) and not any("^" in text for text in shown)


def test_one_legend_names_each_line_once(figure):
    """Two panels of the same methods once had the names twice."""
    for axes in figure.axes:
        axes.plot([0, 1], [0, 1], label="HA")
    figure.axes[1].plot([0, 1], [1, 0], label="UrbanFM")
    legend_below(figure, 2)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["HA", "UrbanFM"]


def test_nothing_named_has_no_legend(figure):
    figure.axes[0].plot([0, 1], [0, 1])
    legend_below(figure, 2)
    assert not figure.legends


@pytest.mark.parametrize("names", [2, 5])
@pytest.mark.parametrize("width", [5, 9.2, 14])
def test_a_legend_above_stands_between_the_title_and_the_data(names, width):
    """Wherever data lie, on a desk and on a phone, with long names and with many."""
    fig, axes = plt.subplots(1, 2 if width > 6 else 1, figsize=(width, 3.6), squeeze=False,
                             layout="constrained")  # fmt: skip
    for axis in axes.flat:
        for k in range(names):
            axis.plot([0, 1, 2], [k, 1, names - k], label=f"a method with a name, number {k}")
        axis.set(title="errors of methods", xlabel="days", ylabel="RMSE")
        legend_above(axis)
    fig.draw_without_rendering()
    _stand_apart(axes)
    with stacked(fig):
        fig.draw_without_rendering()
        _stand_apart(axes)


def _stand_apart(axes):
    for axis in axes.flat:
        legend, title = axis.get_legend().get_window_extent(), axis.title.get_window_extent()
        assert axis.bbox.y1 <= legend.y0 + 0.5 and legend.y1 <= title.y0
        assert legend.x1 <= axis.figure.bbox.x1 and title.y0 - legend.y1 < legend.height


def test_a_panel_without_names_has_no_legend():
    axis = plt.figure().add_subplot()
    axis.plot([1, 2])
    legend_above(axis)
    assert axis.get_legend() is None
