"""Ablation figures: what is drawn is what was given, and a single seed has no band."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.plots import sweeps as plots


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def by_amount(values):
    """{(amount, seed): error} as the series that the page hands over."""
    return pd.Series(
        {("city", amount, seed): error for (amount, seed), error in values.items()}
    )


def test_line_goes_through_means_in_the_order_of_amounts():
    """As text "100" sorts before "20": the curve would run backwards."""
    errors = by_amount({("100", 0): 1.0, ("20", 0): 3.0, ("20", 1): 5.0})
    axis = plots.amounts_figure({"hard": errors}, "test MAE (vehicles)", "Figure 6").axes[0]
    assert axis.lines[0].get_xydata().tolist() == [[20.0, 4.0], [100.0, 1.0]]
    assert len(axis.collections[0].get_offsets()) == 3
    assert axis.get_title() == "Figure 6" and "(%)" in axis.get_xlabel()
    assert [label.get_text() for label in axis.get_legend().get_texts()] == ["hard"]


@pytest.mark.parametrize("tables, bands", [([2.0, 3.0, 4.0], 1), ([3.0], 0)])
def test_band_is_the_spread_over_seeds_of_the_tables(tables, bands):
    """Mean as a line; mean and one standard deviation (here 1) as a band, where there are seeds."""
    points = {"1e-5": [2.5], "1e-4": [2.0, 3.0]}
    panels = {"Figure 7a": ("threshold", points, tables), "7b": ("threshold", points, tables)}
    figure = plots.sweep_figure(panels, "test RMSE (vehicles)")
    assert [axis.get_title() for axis in figure.axes] == ["Figure 7a", "7b"]
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["1e-5", "1e-4"]
    middle, curve = axis.lines
    assert middle.get_ydata() == [3.0, 3.0] and curve.get_ydata().tolist() == [2.5, 2.5]
    assert len(axis.patches) == bands
    if bands:
        box = axis.patches[0].get_extents().transformed(axis.transData.inverted())
        assert (box.y0, box.y1) == pytest.approx((2.0, 4.0))
