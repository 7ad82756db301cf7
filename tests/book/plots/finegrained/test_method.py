"""Pictures of training: nothing is dropped silently, and every axes says what it shows."""

import numpy as np

from stflow_lib.book.plots.finegrained import method as plots_training


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
