"""Tables and pictures of what last layers keep: what is drawn is what was given."""

import numpy as np
import pandas as pd

from stflow_lib.book.plots.finegrained import conservation as plots
from stflow_lib.book.plots.finegrained.last_layers import OVER


def labelled(figure) -> bool:
    return all(a.get_xlabel() and a.get_title() for a in figure.axes)


def quantiles(*rows, index):
    return pd.DataFrame(rows, index, ["low", "median", "high"])


def test_title_says_how_far_sums_are_off():
    """A band that is thinner than a line hides a shift that the mean shows."""
    sums = {"none": quantiles([1, 3, 5], [0, 1, 9], index=[2.0, 4.0]),
            "m2": quantiles([2, 2, 2], [4, 4, 4], index=[2.0, 4.0])}  # fmt: skip
    figure = plots.sums_figure(sums, {"none": 2.0, "m2": 0.0}, "vehicles")
    assert [a.get_title() for a in figure.axes] == ["none: 2 off on average",
                                                    "m2: 0 off on average"]  # fmt: skip
    median, equal = figure.axes[0].lines
    assert median.get_xydata().tolist() == [[2, 3], [4, 1]]
    assert (equal.get_xdata() == equal.get_ydata()).all() and labelled(figure)


def test_weights_are_drawn_by_the_sum_and_by_their_share():
    """Left of the line are shares of a block; right of it cells with more than their block."""
    cancelled = quantiles([1, 30, 900], [0.2, 0.5, 1], index=[0.01, 10.0])
    shares = pd.Series([1.0, 0.25, 0.25], [0.5, OVER, 900.0])
    below = pd.Series([1.0, 0.5, 0.0], [0.25, 0.5, OVER])
    left, right = plots.weights_figure(cancelled, {"signed": shares, "m2": below}).axes
    assert left.lines[0].get_xydata().tolist() == [[0.01, 30], [10, 0.5]]
    signed, m2 = right.lines[:2]
    assert signed.get_xydata()[-1].tolist() == [900, 0.25] and m2.get_xdata()[-1] == 0.5
    assert labelled(left.figure)
    assert plots.beyond_in_words(shares) == "25.00% of blocks beyond 1, largest 900"
    assert plots.beyond_in_words(below) == "0.00% of blocks beyond 1, largest 0.5"


def test_rules_line_is_at_one_and_every_set_is_a_point():
    printed = pd.DataFrame({"method": ["A", "A", "B"], "dataset": ["P1", "P2", "P1"],
                            "group": ["SR", "SR", "FUFI"], "ratio": [2.0, 1.9, 1.0]})  # fmt: skip
    axis = plots.relative_error_figure(printed, "HA").axes[0]
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


def test_changes_are_percent_of_the_network_as_trained():
    index = pd.MultiIndex.from_product([["A"], ["as trained", "rescaled"]])
    index.names = ["method", "form"]
    repaired = pd.DataFrame({"rmse": [4.0, 3.0], "mae": [1.0, 2.0]}, index)
    changes = plots.changes_in_percent(repaired, ["rmse", "mae"])
    assert changes.values.tolist() == [
        ["A: rescaled", "RMSE", -25],
        ["A: rescaled", "MAE", 100],
    ]


def test_costs_and_ratios_are_those_of_the_records(recorded):
    """A form without a record has no ratio, and a method without `m2` none at all."""
    errors = lambda mape: {"rmse": 1.0, "mae": 0.5, "mape": mape, "conservation": 0.25}
    rows = {"A, m2": [recorded("A", "c", errors(0.5)), recorded("A", "c", errors(9.0), 1)],
            "A, none": [recorded("B", "c", errors(1.0))],
            "A, m2_signed": [recorded("C", "c", None)],
            "D, none": [recorded("D", "c", errors(2.0))]}  # fmt: skip
    costs = plots.recorded_costs(rows)
    assert [*costs.index] == ["A, m2", "A, none", "D, none"]
    assert costs.loc["A, none"].tolist() == [1.0, 0.5, 1.0, 0.25]
    ratios = plots.mape_ratios(costs)
    assert [*ratios.index] == ["A"] and ratios.at["A", "none"] == 2.0
    assert np.isnan(ratios.at["A", "m2_signed"])
    assert plots.mape_ratios(plots.recorded_costs({"A, m2": [recorded("C", "c", None)]})).empty
