"""Figures of parts, settings and days: means where they belong, gaps instead of crashes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots import sweeps as plots
from stflow_lib.book.plots.gridflow.scarcity import day_gains_figure, days_figure

NAN = float("nan")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_variants_stand_in_their_rows_beside_the_base():
    """Rows in another order than their names would blame the wrong part."""
    errors = {"all": [1.0, 3.0], "w/o one": [4.0], "w/o two": []}
    figure = plots.variants_figure({"RMSE": errors, "MAE": errors}, "all", "Figure 3")
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == list(errors)
    points = [c.get_offsets().tolist() for c in axis.collections]
    assert points == [[[1.0, 0.0], [3.0, 0.0]], [[4.0, 1.0]], []]
    base, *ticks = axis.lines
    assert list(base.get_xdata()) == [2.0, 2.0]
    assert [(t.get_xdata()[0], t.get_ydata()[0]) for t in ticks] == [(2.0, 0), (4.0, 1)]
    box = axis.patches[0].get_extents().transformed(axis.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((2 - 2**0.5, 2 + 2**0.5))
    assert names(figure) == ["all, mean", "± standard deviation of its points"]


def test_variants_without_the_base_have_no_line():
    """A base without a record must not become a line at nan."""
    figure = plots.variants_figure({"RMSE": {"w/o one": [4.0, 5.0]}}, "all", "t")
    assert len(figure.axes[0].lines) == 1 and not figure.legends


def test_sweeps_share_one_scale_across_figures():
    """On its own scale a sweep of a tenth of a percent would look like a cliff."""
    panels = {
        name: (name, {"a": [low], "b": [high]}, [2.0, 2.2])
        for name, low, high in (("one", 1.0, 2.0), ("two", 2.0, 2.1), ("three", 2.0, 9.0))
    }
    figures = plots.sweep_figures(panels, "RMSE")
    assert [len(figure.axes) for figure in figures] == [2, 1]
    axes = [axis for figure in figures for axis in figure.axes]
    assert [axis.get_title() for axis in axes] == ["one", "two", "three"]
    assert len({axis.get_ylim() for axis in axes}) == 1
    low, high = axes[1].get_ylim()
    assert low <= 1.0 and high >= 9.0
    assert [bool(axis.get_legend()) for axis in axes] == [True, False, False]


def test_spread_has_a_point_per_run_and_a_band_with_seeds_only():
    points = pd.DataFrame(
        {"changed": ["h", "D", "h"], "value": ["1", "8", "2"], "spread": [0.1, 0.2, 0.3],
         "error": [5.0, 6.0, 7.0]}
    )  # fmt: skip
    axis = plots.spread_figure(points, [4.0, 6.0], "RMSE").axes[0]
    drawn = {c.get_label(): c.get_offsets().tolist() for c in axis.collections}
    assert drawn == {"h": [[0.1, 5.0], [0.3, 7.0]], "D": [[0.2, 6.0]]}
    beside = {t.get_text(): t.xy for t in axis.texts}
    assert beside == {"1": (0.1, 5.0), "2": (0.3, 7.0), "8": (0.2, 6.0)}
    assert len(axis.patches) == 1
    assert not plots.spread_figure(points, [4.0], "RMSE").axes[0].patches


def days_frame():
    rows = [
        ("a>b", "net", 4.0, 0, 2.0, 1.0), ("a>b", "net", 4.0, 1, 4.0, 1.0),
        ("a>b", "net", 0.0, 0, 9.0, 5.0), ("a>b", "rule", NAN, 0, 7.0, 3.0),
        ("b>a", "alone", 1.0, 0, 8.0, 4.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["city", "method", "days", "seed", "rmse", "mae"])


def test_days_lines_go_through_means_in_order_of_days():
    """Days as they come in the store would draw a curve that runs back and forth."""
    units = {"a>b": "trips", "b>a": "rides"}
    figure = days_figure(days_frame(), ["rmse", "mae"], units, "Figure 5")
    first, other = figure.axes[0], figure.axes[3]
    curve, level = first.lines
    assert curve.get_xydata().tolist() == [[0.0, 9.0], [2.0, 3.0]]
    assert list(level.get_ydata()) == [7.0, 7.0]
    assert [t.get_text() for t in first.get_xticklabels()] == ["0", "1", "4"]
    assert len(first.collections[0].get_offsets()) == 3
    assert (other.get_title(), other.get_ylabel()) == ("b>a", "test MAE (rides)")
    assert names(figure) == ["net", "rule", "alone"]


def test_a_method_keeps_its_colour_where_others_lack():
    """Colours by place in a panel would make two methods one where a record is missing."""
    figure = days_figure(days_frame(), ["rmse"], {"a>b": "", "b>a": ""}, "t")
    assert figure.axes[1].lines[0].get_color() == plots.INK[2]


def test_gains_without_interval_are_hollow():
    """A single seed must not look like a measurement with a tiny interval."""
    gains = pd.DataFrame(
        [("a", 0, "x", 1.0, 0.5, 1.5), ("a", 4, "x", 2.0, NAN, NAN), ("b", 4, "y", -1.0, -2.0, 0.0)],
        columns=["city", "days", "label", "gain", "low", "high"],
    )  # fmt: skip
    figure = day_gains_figure(gains, "gains")
    first, second = figure.axes
    bars, points = first.collections[:2]
    np.testing.assert_allclose(points.get_offsets(), [[-0.045, 1.0], [1.955, 2.0]])
    assert points.get_facecolor()[0].tolist() != [1, 1, 1, 1]
    assert points.get_facecolor()[1].tolist() == [1, 1, 1, 1]
    assert bars.get_segments()[0].tolist() == [[-0.045, 0.5], [-0.045, 1.5]]
    assert first.get_ylim() == second.get_ylim()
    assert names(figure) == ["x", "y"]
