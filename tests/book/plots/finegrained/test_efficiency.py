"""Pictures of cost and of conservation: all points drawn, names apart, axes labelled."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from stflow_lib.book.plots.finegrained import efficiency as plots
from stflow_lib.book.plots.finegrained.conservation import relative_error_figure, sums_figure


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def labelled(figure) -> bool:
    return all(a.get_xlabel() and a.get_title() for a in figure.axes)


def test_hollow_markers_stand_where_a_count_is_printed():
    """A marker at zero for a method without a printed count would look like a claim."""
    counts = pd.DataFrame({"name": ["a", "b"], "ours": [2.0, 3.0], "printed": [2.1, np.nan]})
    figure = plots.parameters_figure(counts)
    drawn = figure.axes[0].collections[0].get_offsets().compressed()
    assert drawn.tolist() == [2.1, 1.0] and labelled(figure)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [2.0, 3.0]


def crowd(n: int) -> pd.DataFrame:
    """n methods, most of them at nearly the same place."""
    random = np.random.default_rng(0)
    near = 1 + 0.05 * random.random((n, 2))
    near[0] = 9
    return pd.DataFrame({"name": [f"method {k}" for k in range(n)], "seconds": near[:, 0],
                         "error": near[:, 1], "spread": np.nan})  # fmt: skip


def test_names_of_close_points_do_not_overlap():
    """Methods of equal cost are the ones that a reader wants to tell apart."""
    figure = plots.error_cost_figure(crowd(9), "RMSE", "seconds")
    figure.canvas.draw()
    boxes = [Text.get_window_extent(text).extents for text in figure.axes[0].texts]
    assert len(boxes) == 9
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def test_filled_points_are_those_that_nothing_beats():
    rows = pd.DataFrame({"name": list("abc"), "seconds": [1.0, 2.0, 3.0],
                         "error": [3.0, 1.0, 2.0], "spread": np.nan})  # fmt: skip
    assert [plots._unbeaten(r, rows) for r in rows.itertuples()] == [True, True, False]


def test_title_says_how_far_sums_are_off():
    """A scatter of thousands of points hides a shift that the mean shows."""
    sums = {"none": (np.array([2.0, 4.0]), np.array([3.0, 1.0])),
            "m2": (np.array([2.0, 4.0]), np.array([2.0, 4.0]))}  # fmt: skip
    figure = sums_figure(sums, "vehicles")
    assert [a.get_title() for a in figure.axes] == ["none: 2 off on average",
                                                    "m2: 0 off on average"]  # fmt: skip


def test_weights_beyond_one_are_counted():
    """Left of the line are shares of a block; right of it cells with more than their block."""
    weights = np.array([0.5, 1.0, 900.0, 0.2])
    figure = plots.weights_figure(np.array([1.0, -1.0, 1e-3, 2.0]), weights, {"m2": weights})
    names = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert names == ["at most 1: 75.0% of blocks", "beyond: 25.0% of blocks"]
    above = dict(zip(*figure.axes[1].lines[0].get_data(), strict=True))
    assert above == {900.0: 0.25, 1.0: 0.5, 0.5: 0.75, 0.2: 1.0} and labelled(figure)


def test_rules_line_is_at_one_and_every_set_is_a_point():
    printed = pd.DataFrame({"method": ["A", "A", "B"], "dataset": ["P1", "P2", "P1"],
                            "group": ["SR", "SR", "FUFI"], "ratio": [2.0, 1.9, 1.0]})  # fmt: skip
    axis = relative_error_figure(printed, "HA").axes[0]
    drawn = np.concatenate([c.get_offsets() for c in axis.collections])
    assert sorted(map(tuple, drawn)) == [(1.0, 0), (1.9, 1), (2.0, 1)]
    assert axis.lines[0].get_xdata()[0] == 1 and axis.get_yticklabels()[1].get_text() == "A"


def test_changes_keep_metrics_apart():
    changes = pd.DataFrame({"method": ["A", "A", "B"], "metric": ["rmse", "mae", "rmse"],
                            "percent": [-1.0, -30.0, 2.0]})  # fmt: skip
    axis = plots.changes_figure(changes, "title").axes[0]
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["rmse", "mae"]
    assert {tuple(p) for c in axis.collections for p in c.get_offsets()} == {
        (-30.0, 1), (-1.0, 1), (2.0, 0)}  # fmt: skip
