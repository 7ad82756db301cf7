"""What last layers do: sums, weights, losses and parts of an error against counts by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from stflow_lib.book.plots.finegrained import last_layers
from stflow_lib.finegrained.networks.layers import Split


def test_block_sums_are_those_of_the_coarse_map(task):
    assert torch.equal(last_layers.block_sums(task.fine, 2), task.coarse.double())


def test_a_network_that_moves_a_vehicle_loses_and_invents_it(task):
    def predict(task, indices):
        fine = task.fine[indices].clone()
        fine[..., 0, 0] -= 1
        fine[..., 3, 3] += 1
        return fine

    found = last_layers.errors_and_losses(predict, task)
    assert (found["lost"], found["invented"], found["negative"]) == (1, 1, 0)
    assert found["mae"] == pytest.approx(2 / 16)
    clamped = last_layers.errors_and_losses(predict, task, lambda fine, coarse: 0 * fine)
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
    total, largest = last_layers.scores_and_weights(
        network, torch.full((1, 1, 1, 1), 12.0), None
    )
    assert total.tolist() == [0.5] and largest.tolist() == pytest.approx([2], rel=1e-4)
    assert not network.split._forward_pre_hooks


def test_largest_weight_is_the_fullest_cell_over_its_block():
    fine = torch.tensor([[[[3.0, -9.0], [0.0, 0.0]]]])
    assert last_layers.largest_weights(fine, torch.full((1, 1, 1, 1), 6.0)).tolist() == [1.5]
    assert last_layers.largest_weights(fine, torch.zeros(1, 1, 1, 1)).size == 0


def test_parts_of_mape_add_up(task):
    task.fine[task.test[0], 0, :2, :2] = 0  # an empty block
    task.coarse[task.test[0], 0, 0, 0] = 0
    task.fine[task.test[1], 0, 0, 0] = 0  # an empty cell of a block that is not
    predict = lambda task, indices: task.fine[indices] + 1
    parts = last_layers.mape_parts(predict, task)
    assert parts["empty blocks"] == pytest.approx(4 / 48)
    assert parts["empty cells elsewhere"] == pytest.approx(1 / 48)
    assert sum(parts.values()) == pytest.approx(
        last_layers.errors_and_losses(predict, task)["mape"]
    )


def test_a_repair_keeps_every_vehicle_and_no_negative_cell():
    """9, -3, 6 and 3 for 12 vehicles become 6, 0, 4 and 2; an empty guess is split evenly."""
    fine = torch.tensor([[[[9.0, -3.0, 0.0, -1.0], [6.0, 3.0, 0.0, 0.0]]]])
    mended = last_layers.rescaled(fine, torch.tensor([[[[12.0, 8.0]]]]))
    by_hand = torch.tensor([[[[6.0, 0.0, 2.0, 2.0], [4.0, 2.0, 2.0, 2.0]]]])
    assert torch.allclose(mended, by_hand, atol=1e-4)


def test_repairs_are_of_the_free_network_and_the_last_row_is_its_siblings(task):
    free = lambda task, indices: task.fine[indices] * 2 - 1
    known = {"A, m2": {"rmse": 0.5, "lost": 0.0}}
    found = last_layers.repaired({"A, none": free, "A, m2": None}, task, known)
    assert [*found.loc["A"].index] == [
        "as trained",
        "clamped at 0",
        "rescaled",
        "trained with m2",
    ]
    assert found.loc[("A", "trained with m2"), "rmse"] == 0.5
    assert found.loc[("A", "as trained"), "invented"] > 1e3
    assert found.loc[("A", "rescaled"), ["lost", "invented"]].to_numpy() == pytest.approx(
        0, abs=0.01
    )


def test_bands_are_quantiles_in_ranges_and_thin_ranges_are_left_out():
    """Ends would be single values where a range has a handful."""
    x = np.r_[np.zeros(101), np.full(101, 3.0), 9.0]
    y = np.r_[np.arange(101.0), np.arange(101.0) + 100, 1e6]
    found = last_layers.bands(x, y, np.array([-0.5, 0.5, 4, 10]))
    assert [*found.index] == [0, 3]
    assert found.to_numpy().tolist() == [[5, 50, 95], [105, 150, 195]]


def test_shares_above_begin_with_all_and_end_with_the_largest():
    """0.5, 1, 2 and 40: half are beyond 1, a quarter is as large as the largest."""
    found = last_layers.shares_above(np.array([40.0, 0.5, 1.0, 2.0]))
    assert found.index.is_monotonic_increasing and found.iloc[0] == 1
    assert found.index[-1] == 40 and found.iloc[-1] == 0.25 and found[last_layers.OVER] == 0.5
    small = last_layers.shares_above(np.array([0.5, 0.25, 0.0]))
    assert small[last_layers.OVER] == 0 and small.index[-1] == last_layers.OVER
