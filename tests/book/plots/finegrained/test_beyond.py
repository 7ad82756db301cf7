"""Pictures of doubt: what is drawn is what was given, in its place, labelled."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from stflow_lib.book.plots.finegrained import beyond as plots
from stflow_lib.book.plots.intervals import GOES_ON
from stflow_lib.verdicts.paired import COLUMNS

BLOCKS = np.array([[1.0, 10, 100], [np.nan, 5, 7]])  # of 4 x 4 cells; one is always empty


def maps(rows=8, cols=12):
    random = np.random.default_rng(0)
    drawn = {name: random.random((rows, cols)) * 9 for name in ("mean", "width", "error")}
    outside = np.full((rows, cols), 0.1)
    outside[1, 5], outside[6, 0] = plots.OFTEN, 1
    return drawn | {"outside": outside, "concentration": BLOCKS}


def test_dots_mark_the_cells_often_outside_and_width_shares_its_scale_with_error():
    """Rows taken for columns would put the dots on cells that were right."""
    given = maps()
    figure = plots.sure_figure(given, "cars", "t")
    mean, width, error, blocks = figure.axes[:4]
    dots = {tuple(xy) for xy in error.collections[0].get_offsets()}
    assert dots == {(5, 1), (0, 6)}
    assert np.array_equal(mean.images[0].get_array(), given["mean"])
    assert width.images[0].norm is error.images[0].norm
    assert all(axis.get_title() for axis in (mean, width, error, blocks))
    assert "cars" in [axis.get_ylabel() for axis in figure.axes[4:]]


def test_concentration_covers_its_block_and_empty_blocks_stay_grey():
    """A block without vehicles has a concentration that nothing was learned from."""
    image = plots.sure_figure(maps(), "cars", "t").axes[3].images[0].get_array()
    assert image.shape == (8, 12)
    assert (image[:4, 8:] == 100).all() and image.mask[4:, :4].all() and image.mask.sum() == 16


def test_a_right_forecast_gives_flat_bars_and_the_diagonal():
    """A density that forgot the width of its bins would not average one."""
    upto = {"right": np.linspace(0, 1, 11), "sure": np.r_[0, np.full(9, 0.5), 1]}
    levels = pd.Series([0.5, 0.9], [0.5, 0.9])
    left, right = plots.calibration_figure(upto, {"right": levels}, "t").axes
    flat, u = (patch.get_data().values for patch in left.patches)
    assert flat == pytest.approx(1) and u.tolist() == pytest.approx([5, *[0] * 8, 5])
    assert right.lines[0].get_xydata() == pytest.approx(np.array([[50, 50], [90, 90]]))
    assert left.get_xlabel() and right.get_ylabel()


def test_bins_hold_equally_many_cells_and_root_mean_squares():
    """The mean of spreads is below the root mean square that an RMSE has to be held against."""
    by = np.array([5.0, 1, 3, 2])
    frame = plots.binned(by, {"error": np.array([10.0, 3, 0, 4])}, 2)
    assert frame["error"].tolist() == pytest.approx([np.sqrt(12.5), np.sqrt(50)])


def test_empty_bins_are_left_out():
    """Fewer cells than bins, as on a small city, gave a mean of nothing and a warning."""
    assert len(plots.binned(np.array([2.0, 1]), {"error": np.ones(2)}, 5)) == 2


def test_spread_is_drawn_against_error_with_a_diagonal_over_both():
    frame = pd.DataFrame({"spread": [1.0, 2], "error": [3.0, 8]})
    half = pd.DataFrame({"mean": [1.0, 4], "error": [2.0, 5]})
    figure = plots.spread_figure({"a": frame}, {"less sure": half, "surer": half}, "cars", "t")
    left, right = figure.axes
    assert left.lines[0].get_xydata().tolist() == [[1, 3], [2, 8]]
    ends = left.lines[1].get_xydata()
    assert (ends[:, 0] == ends[:, 1]).all() and ends.max() == 8
    assert [line.get_label() for line in right.lines] == ["less sure", "surer"]
    assert "cars" in left.get_xlabel() and "cars" in right.get_xlabel()


def test_a_method_is_shown_against_another_with_a_verdict_per_metric(capsys):
    rows = [("rmse", "c", "20", 2.0, 1.0, 3.0, 3, np.nan, "confirmed", "confirmed"),
            ("rmse", "c", "100", 4.0, -1.0, 9.0, 3, np.nan, "open", "not converged")]  # fmt: skip
    plots.show_against(pd.DataFrame(rows, columns=COLUMNS), "A", "B")
    axis = plt.gcf().axes[0]
    assert axis.get_title() == "A against B: paired difference with 95 % interval"
    assert axis.get_xlabel() == f"how much lower the error is, in % of B's;\n{GOES_ON}"
    assert [t.get_text() for t in axis.get_yticklabels()] == ["RMSE, c, 20 %", "RMSE, c, 100 %"]
    said = capsys.readouterr().out
    assert (
        "RMSE of A lower by 2.0 to 4.0 % on average; lower than B's: 1 confirmed, 1 not converged"
        in said
    )


def test_one_seed_has_no_picture_and_no_runs_have_no_table(capsys):
    rows = [("rmse", "c", "20", 2.0, np.nan, np.nan, 1, np.nan, "", "one seed")]
    plots.show_against(pd.DataFrame(rows, columns=COLUMNS), "A", "B")
    plots.show_against(pd.DataFrame(columns=COLUMNS), "C", "B")
    said = capsys.readouterr().out
    assert "one seed: no intervals" in said and said.endswith("C: not run\n")
    assert not plt.get_fignums()
