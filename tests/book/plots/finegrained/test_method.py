"""Pictures of training: nothing is dropped silently, and every axes says what it shows."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.finegrained import method as plots_training


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


def test_the_hinge_closes_at_minus_the_margin_and_not_before():
    """A loss drawn with the wrong sign would close inside the reach of the embeddings."""
    axis = plots_training.hinge_figure({"now": np.array([-1.0, 1.0])}, 15, 8).axes[0]
    gap, loss = axis.lines[0].get_data()
    np.testing.assert_allclose(loss, np.clip(15 + gap, 0, None))
    assert (loss[np.abs(gap) <= 8] >= 7).all() and loss[0] == 0


def test_births_count_networks_with_more_than_half_of_their_blocks_dead():
    born = {"relu": (np.array([1.0, 0.6, 0.5, 0.0]), np.zeros(4))}
    assert "50% mostly dead" in plots_training.births_figure(born).axes[0].get_title()


def test_the_anchor_is_marked_at_its_row_and_column():
    """Row and column exchanged mark another cell, which looks as good."""
    flow, anchor = np.arange(12.0).reshape(3, 4), (2, 1)
    figure = plots_training.labels_figure(flow, anchor, {"rule": flow > 5}, "vehicles")
    assert figure.axes[0].get_title() == "anchor with 9 vehicles"
    for axis in figure.axes[:2]:
        assert axis.lines[0].get_xydata().tolist() == [[1, 2]]


def figures():
    flow = np.arange(12.0).reshape(3, 4)
    yield plots_training.maps_figure({"coarse": flow, "empty": 0 * flow}, "vehicles")
    yield plots_training.encoders_figure({"reg": flow}, np.arange(3.0), np.ones((3, 2)))
    yield plots_training.labels_figure(flow, (1, 1), {"rule": flow > 5}, "vehicles")
    yield plots_training.distances_figure(flow[:, :3], 1, np.array([0]), np.array([2]))
    yield plots_training.hinge_figure({"now": np.array([-1.0])}, 15, 8)
    yield plots_training.births_figure({"relu": ([1.0, 0.0], [-0.1, 0.1])})
    yield curves_figure({("a", "loss"): {"x": [[1.0, 0.5]]}})


def test_every_axes_has_a_title_and_labels():
    """A picture without units is a decoration; colour bars carry their label on the side."""
    for figure in figures():
        figure.draw_without_rendering()
        for number, axis in enumerate(figure.axes):
            if axis.get_label() == "<colorbar>":
                assert axis.get_ylabel()
            else:
                shared = axis.get_shared_y_axes().joined(axis, figure.axes[0]) and number
                assert axis.get_title() and axis.get_xlabel()
                assert axis.get_ylabel() or shared
