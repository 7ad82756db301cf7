"""Ablation figures: what is drawn is what was given, and a single seed has no band."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from stflow_lib.book.plots import sweeps as plots


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


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
