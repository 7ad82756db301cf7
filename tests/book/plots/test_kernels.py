"""Pictures of kernels: bars add up and say their multiples, aims stand by their
names, roofs bend."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.kernels import (
    aims_figure,
    breakages_figure,
    roofline_figure,
    shares_figure,
    traffic_figure,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_traffic_stacks_backward_on_forward_and_names_multiples():
    """Bars from zero would hide the smaller pass behind the larger one."""
    figure = traffic_figure({"naive": (2e6, 4e6), "kernel": (1e6, 1e6)}, "t")
    forward, backward = figure.axes[0].containers
    assert [bar.get_width() for bar in forward] == [2, 1]
    assert [bar.get_x() for bar in backward] == [2, 1]
    assert [text.get_text() for text in figure.axes[0].texts] == ["6 MB, 3x", "2 MB"]


def test_traffic_without_a_gradient_has_no_legend():
    """An orange entry for a pass that does not exist."""
    figure = traffic_figure({"naive": (2e6, 0), "kernel": (1e6, 0)}, "t")
    assert len(figure.axes[0].containers) == 1 and not figure.legends


def test_an_aim_stands_in_the_row_of_its_name():
    """Rows run downwards: an aim drawn by position alone would judge another operation."""
    ratios = {"one": np.array([1.0, 2.0, 3.0]), "two": np.array([4.0, 5.0, 6.0])}
    axis = aims_figure(ratios, {"two": 30.0}).axes[0]
    middle, aim = axis.collections[1:]
    names = [label.get_text() for label in axis.get_yticklabels()]
    rows = dict(zip(names, axis.get_yticks(), strict=True))
    assert middle.get_offsets().tolist() == [[2, rows["one"]], [5, rows["two"]]]
    assert aim.get_offsets().tolist() == [[30, rows["two"]]]
    assert axis.get_xlim()[1] > 30


def test_a_share_below_nothing_stays_in_the_picture():
    """A step that the fast forms slow down must not be cut off on the left."""
    saved = {"a: all": np.array([-30.0, -2, 5]), "a: one": np.array([1.0, 2, 3])}
    axis = shares_figure(saved).axes[0]
    assert axis.get_xlim()[0] < -30 and axis.get_xlim()[1] > 5
    assert [bar.get_width() for bar in axis.patches] == [-2, 2]
    assert axis.patches[0].get_facecolor() != axis.patches[1].get_facecolor()
    assert [text.get_text() for text in axis.texts] == ["-2 %", "2 %"]


def test_a_roof_is_bandwidth_and_then_peak():
    """Left of its bend a card gives bandwidth times intensity, right of it the peak."""
    figure = roofline_figure({"a": 0.5, "b": 0.55, "c": 100.0}, {"card": (10, 200)})
    axis = figure.axes[0]
    x, y = axis.lines[0].get_data()
    np.testing.assert_allclose(y, np.where(x < 20, 10 * x, 200))
    tops = [segment[1, 1] for segment in axis.collections[0].get_segments()]
    assert tops == pytest.approx([5, 5.5, 200])
    assert [text.get_ha() for text in axis.texts] == ["right", "left", "right"]


def test_a_breakage_that_nobody_noticed_is_seen():
    """Rows run downwards, columns by name: a white cell in another row would
    accuse its neighbour."""
    report = pd.DataFrame({
        "operation": ["b", "b", "a", "a"], "kernel": ["_one", "_one", "_two", "_two"],
        "broken": ["index", "sign", "index", "sign"], "noticed": ["x", "", "x", "y"],
    })  # fmt: skip
    axis = breakages_figure(report).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["b  one", "a  two"]
    words = {text.get_position(): text.get_text() for text in axis.texts}
    assert words == {(0, 0): "x", (1, 0): "nobody", (0, 1): "x", (1, 1): "y"}
    white = [p for p in axis.patches if p.get_facecolor()[:3] == (1, 1, 1)]
    assert [p.get_xy() for p in white] == [pytest.approx((0.53, -0.42))]
