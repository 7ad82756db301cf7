"""Pictures of inferred maps: one scale for all, places where they belong."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.finegrained import maps as plots_maps

FINE = np.arange(64.0).reshape(8, 8)
COARSE = FINE.reshape(4, 2, 4, 2).sum((1, 3))
WINDOWS = {"A": (2, 4, 4)}


def test_equal_colours_are_equal_densities():
    """The coarse map's scale is M x M times the fine one's, or a block would look emptier."""
    left, right = (a.images[0] for a in plots_maps.pair_figure(COARSE, FINE, "v", "t").axes[:2])
    assert left.norm.vmax == 4 * right.norm.vmax == 4 * FINE.max()
    assert left.get_extent() == right.get_extent() == [-0.5, 7.5, 7.5, -0.5]


def test_methods_share_one_scale():
    """Two maps on two scales can show anything."""
    maps = {"true": FINE, "MEAN": FINE / 2, "HA": FINE * 3}
    for figure in (plots_maps.flows_figure(maps, "v", "t"),
                   plots_maps.gains_figure(maps, "v", "t")):  # fmt: skip
        images = [axis.images[0] for axis in figure.axes[:3]]
        assert len({(image.norm.vmin, image.norm.vmax) for image in images}) == 1
    assert images[0].norm.vmin == -images[0].norm.vmax  # a difference of zero is white


def test_zooms_show_the_cells_of_their_window():
    """Rows and columns swapped would show another place of the same size."""
    figure = plots_maps.zooms_figure(FINE, {"HA": FINE * 2}, WINDOWS, "v", "places")
    true, wrong = (axis.images[0] for axis in figure.axes[:2])
    np.testing.assert_array_equal(true.get_array(), FINE[2:6, 4:8])
    np.testing.assert_array_equal(wrong.get_array(), 2 * FINE[2:6, 4:8])
    assert true.get_extent() == [3.5, 7.5, 5.5, 1.5]
    assert figure.axes[0].get_xlabel() == "column"
    assert figure.axes[0].get_ylabel().endswith("\nrow")


def test_a_window_is_marked_where_it_is():
    """x is the column: a patch at (row, col) lands on the wrong side of the diagonal."""
    figure = plots_maps.errors_figure({"HA": FINE}, "v", "t", WINDOWS)
    assert figure.axes[0].patches[0].get_xy() == (3.5, 1.5)


def test_binned_rmse_against_hand_counts():
    """Level 3 lies on an edge and belongs to the upper bin; the empty bin [10, 20) is absent."""
    level, error = np.array([1.0, 2.0, 3.0, 30.0]), np.array([3.0, 4.0, -2.0, 1.0])
    binned = plots_maps.binned_rmse(level, error, np.array([0, 3, 10, 20, 40]))
    assert binned.index.tolist() == [1.5, 3.0, 30.0]
    np.testing.assert_allclose(binned, [12.5**0.5, 2.0, 1.0])


def test_honesty_is_drawn_beside_the_error_with_a_line_at_one():
    by_level, honest = pd.Series([1.0, 2.0], [3.0, 30.0]), pd.Series([1.1, 0.9], [1.0, 2.0])
    left, right = plots_maps.honesty_figure({"HA": by_level}, {"HA": honest}, "v").axes
    assert left.lines[0].get_xydata().tolist() == [[3, 1], [30, 2]]
    assert right.lines[0].get_ydata() == [1, 1]
    assert right.lines[1].get_xydata().tolist() == [[1, 1.1], [2, 0.9]]
    assert right.get_xlabel() == "inferred flow (v)"


def test_rows_without_flow_are_cut_off():
    """A river of empty rows would leave the city a strip."""
    flow = np.zeros((20, 4))
    flow[8:11] = 1
    figure = plots_maps.flows_figure({"coarse": flow, "true": flow}, "v", "t")
    plots_maps.cut_rows(figure, flow, (5, 3))
    assert figure.axes[0].get_ylim() == (10.5, 5.5)
    assert tuple(figure.get_size_inches()) == (5, 3)


def figures():
    maps = {"coarse": COARSE / 4, "true": FINE}
    yield plots_maps.pair_figure(COARSE, FINE, "v", "t")
    yield plots_maps.flows_figure(maps, "v", "t", WINDOWS)
    yield plots_maps.errors_figure({"HA": FINE}, "v", "t")
    yield plots_maps.gains_figure({"HA": FINE}, "v", "t")
    yield plots_maps.memory_figure(COARSE / COARSE.max(), FINE / 64, "t")
    curve = {"HA": pd.Series([1.0], [2.0])}
    yield plots_maps.honesty_figure(curve, curve, "v")
    figure, axis = plt.subplots()
    plots_maps.curve_panel(axis, {"HA": pd.Series([1.0])}, title="t", xlabel="x", ylabel="y")
    yield figure


def test_every_panel_has_a_title_and_every_bar_a_label():
    """A picture without units is a decoration."""
    for figure in figures():
        for axis in figure.axes:
            bar = axis.get_label() == "<colorbar>"
            assert axis.get_ylabel() if bar else axis.get_title() and axis.get_xlabel()
