"""What the last layer keeps: sums, weights and parts of an error against counts by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from stflow_lib.book.plots.finegrained import conservation as plots
from stflow_lib.finegrained.networks.layers import Split


def labelled(figure) -> bool:
    return all(a.get_xlabel() and a.get_title() for a in figure.axes)


def test_title_says_how_far_sums_are_off():
    """A scatter of thousands of points hides a shift that the mean shows."""
    sums = {"none": (np.array([2.0, 4.0]), np.array([3.0, 1.0])),
            "m2": (np.array([2.0, 4.0]), np.array([2.0, 4.0]))}  # fmt: skip
    figure = plots.sums_figure(sums, "vehicles")
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


def test_block_sums_are_those_of_the_coarse_map(task):
    assert torch.equal(plots.block_sums(task.fine, 2), task.coarse.double())


def test_a_network_that_moves_a_vehicle_loses_and_invents_it(task):
    def predict(task, indices):
        fine = task.fine[indices].clone()
        fine[..., 0, 0] -= 1
        fine[..., 3, 3] += 1
        return fine

    found = plots.errors_and_losses(predict, task)
    assert (found["lost"], found["invented"], found["negative"]) == (1, 1, 0)
    assert found["mae"] == pytest.approx(2 / 16)
    clamped = plots.errors_and_losses(predict, task, lambda fine, coarse: 0 * fine)
    assert clamped["lost"] == task.coarse[task.test].sum() / 3 and clamped["invented"] == 0


class Scores(nn.Module):
    """Fixed scores of either sign that enter a split."""

    def __init__(self):
        super().__init__()
        self.split = Split(2, constraint="m2_signed")

    def forward(self, maps, external):
        return self.split(torch.tensor([[[[1.0, -0.5], [0.0, 0.0]]]]), maps)


def test_raw_scores_are_seen_before_the_split():
    network = Scores()
    total, largest = plots.scores_and_weights(network, torch.full((1, 1, 1, 1), 12.0), None)
    assert total.tolist() == [0.5] and largest.tolist() == pytest.approx([2], rel=1e-4)
    assert not network.split._forward_pre_hooks


def test_largest_weight_is_the_fullest_cell_over_its_block():
    fine = torch.tensor([[[[3.0, -9.0], [0.0, 0.0]]]])
    assert plots.largest_weights(fine, torch.full((1, 1, 1, 1), 6.0)).tolist() == [1.5]
    assert plots.largest_weights(fine, torch.zeros(1, 1, 1, 1)).size == 0


def test_changes_are_percent_of_the_network_as_trained():
    index = pd.MultiIndex.from_product([["A"], ["as trained", "rescaled"]])
    index.names = ["method", "form"]
    repaired = pd.DataFrame({"rmse": [4.0, 3.0], "mae": [1.0, 2.0]}, index)
    changes = plots.changes_in_percent(repaired, ["rmse", "mae"])
    assert changes.values.tolist() == [
        ["A: rescaled", "RMSE", -25],
        ["A: rescaled", "MAE", 100],
    ]


def test_parts_of_mape_add_up(task):
    task.fine[task.test[0], 0, :2, :2] = 0  # an empty block
    task.coarse[task.test[0], 0, 0, 0] = 0
    task.fine[task.test[1], 0, 0, 0] = 0  # an empty cell of a block that is not
    predict = lambda task, indices: task.fine[indices] + 1
    parts = plots.mape_parts(predict, task)
    assert parts["empty blocks"] == pytest.approx(4 / 48)
    assert parts["empty cells elsewhere"] == pytest.approx(1 / 48)
    assert sum(parts.values()) == pytest.approx(plots.errors_and_losses(predict, task)["mape"])


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
