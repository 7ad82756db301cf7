"""Pictures of balanced pre-training: kinds keep their colour, weights their cell."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from stflow_lib.book.plots.data import simulated_cities as plots_simulated
from stflow_lib.book.plots.gridflow import method as plots_balance

KINDS = np.array([[0, 0, 5], [5, 0, -9]])
NAMES = {0: "homes", 5: "parks"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_land_uses_keep_the_colours_of_the_simulated_cities():
    """A park that is green on one page and blue on the next is two kinds to the reader."""
    assert plots_balance.colours_of(NAMES) == {
        kind: plots_simulated.COLOURS[kind] for kind in NAMES
    }


def test_every_other_kind_has_a_colour_of_its_own():
    """Stand-ins number up to 14 kinds and one without; two in one colour would be one."""
    colours = plots_balance.colours_of({kind: str(kind) for kind in (3, -1, 13, 7, 0, 9, 4, 8)})
    assert len(set(colours.values())) == 8 and colours[-1] not in plots_balance.KINDS


def test_kinds_are_counted_in_their_own_city():
    """Shares of all cells, those that take no part included, would not sum to 100."""
    other = np.array([[5, 5], [5, 0]])
    first, second, bars = plots_balance.kinds_figure({"a": KINDS, "b": other}, NAMES).axes
    lengths = [bar.get_width() for bar in bars.patches if bar.get_width()]
    assert lengths == pytest.approx([60, 40, 25, 75])
    assert first.images[0].get_array().tolist() == [[0, 0, 1], [1, 0, None]]
    assert first.get_title() == "a\n5 cells" and second.get_title() == "b\n4 cells"
    assert [text.get_text() for text in bars.get_yticklabels()] == ["homes", "parks"]


def test_densities_have_their_mean_and_deviation():
    """A deviation taken for a variance moves every line."""
    figure = plots_balance.directions_figure({"quiet": (0.0, 0.1)}, {"printed": (0.5, 0.5)})
    x, y = figure.axes[0].lines[0].get_data()
    assert x[y.argmax()] == pytest.approx(0.5, abs=0.01)
    assert y.max() == pytest.approx(1 / (0.5 * np.sqrt(2 * np.pi)), rel=1e-3)
    assert np.interp(1.0, x, y) == pytest.approx(y.max() * np.exp(-0.5), rel=1e-2)
    assert len(figure.axes[0].collections) == 1  # the measured one, filled


def test_weights_stand_on_their_cells():
    """Weights in another order than cells make a map that looks as good."""
    weights = {"before": np.ones(5), "after": np.array([0.5, 0.6, 2.0, 1.5, 0.4])}
    cells = np.arange(5)
    axes = plots_balance.rarity_figure(weights, cells, KINDS, NAMES).axes
    shown = axes[0].images[0].get_array()
    assert shown.filled(np.nan).ravel()[:5].tolist() == weights["after"].tolist()
    assert shown.mask.ravel().tolist() == [False] * 5 + [True]
    assert [text.get_text() for text in axes[2].get_yticklabels()] == ["homes (3)", "parks (2)"]


def test_the_mark_by_counting_gives_every_kind_the_same_sum():
    """That is what balance is; the mean over cells stays 1."""
    weights = {"after": np.array([0.5, 0.6, 2.0, 1.5, 0.4])}
    axis = plots_balance.rarity_figure(weights, np.arange(5), KINDS, NAMES).axes[2]
    points = [line.get_xdata()[0] for line in axis.lines if len(line.get_xdata()) == 1]
    (mean_homes, homes, mean_parks, parks) = points
    assert (mean_homes, mean_parks) == pytest.approx((0.5, 1.75))
    assert 3 * homes == pytest.approx(2 * parks) and 3 * homes + 2 * parks == pytest.approx(5)


def test_ranks_are_those_of_the_row_and_ties_are_level():
    """Ranks down the columns would show another anchor's order."""
    delta = np.array([[1, 0.2, 0.9, 0.2], [0.1, 1, 0.2, 0.3], [0.5, 0.4, 1, 0.3], [0, 0, 0, 1]])
    axes = plots_balance.similarity_figure(delta, [0, 0, 5, 5], NAMES).axes
    cosines, ranks = (axes[n].images[0].get_array() for n in (0, 1))
    assert np.diag(cosines.mask).all() and np.diag(ranks.mask).all()
    assert ranks[0, 1:].tolist() == [0, 1, 0] and ranks[3, :3].tolist() == [0, 0, 0]
    assert ranks[1, [0, 2, 3]].tolist() == [0, 0.5, 1]
    assert [text.get_text() for text in axes[0].get_yticklabels()] == ["homes", "parks"]


def test_costs_and_gains_keep_their_names():
    figure = plots_balance.contrast_figure(
        {"all alike": np.array([0.0, 0.7])}, {"τ = 1": [0.1, -0.2]}
    )
    left, right = figure.axes
    assert left.lines[0].get_data()[1].tolist() == [0, 0.7]
    assert list(right.lines[0].get_ydata()) == [0.1, -0.2]
    assert right.get_legend().get_texts()[0].get_text() == "τ = 1"


def test_the_log_shows_where_nothing_is_balanced():
    """Without the level of nothing, any curve looks like a success."""
    logged = ("omega_max", "omega_min", "neighbours", "contrast_gain", "rank_correlation",
              "divergence", "poi", "valid_rmse", "plain")  # fmt: skip
    curves = {name: [place + 1.0, place + 1.5] for place, name in enumerate(logged)}
    axes = plots_balance.logs_figure(curves, 120, -0.3).axes
    levels = [[line.get_ydata()[0] for line in axis.lines][-2:] for axis in axes]
    assert [pair[-1] for pair in levels[:2]] == [1, 120]
    assert levels[2] == [0, -0.3] and levels[3][-1] == 0
    assert list(axes[5].lines[1].get_ydata()) == curves["plain"]
    assert axes[4].get_yscale() == "log"


def test_changes_keep_rows_and_marks():
    """STBaT's mark on the row of another kind would claim a gain where there is none."""
    changes = pd.DataFrame(
        {"STBaT": [-2.0, 1.0], "chance": [0.5, 0.7]}, index=["parks", "homes"]
    )
    axis = plots_balance.changes_figure(changes, "t").axes[0]
    assert axis.lines[0].get_xdata().tolist() == [-2, 1]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["parks", "homes"]
    assert to_rgba(axis.lines[0].get_color()) == to_rgba(plots_balance.SERIES[1])
    assert axis.yaxis_inverted()
