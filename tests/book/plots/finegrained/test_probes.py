"""Questions to networks: answers of networks whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stflow_lib.book.plots.finegrained import probes
from stflow_lib.finegrained.urbanstc.method import UrbanSTC, UrbanSTCSettings
from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.regional_contrast import RegionalSettings

TINY = UrbanSTCSettings(channels=2, external=False, activation="softplus")


class Itself(nn.Module):
    """Every cell's flow as its only channel: [B, 1, H, W] -> [B, H W, 1]."""

    def forward(self, maps):
        return maps.flatten(2).transpose(1, 2)


def test_only_cells_in_reach_move():
    """Two 3 x 3 convolutions reach 5 x 5 cells, two 1 x 1 convolutions one."""
    for kernel, most in ((1, 1), (3, 25)):
        torch.manual_seed(1)
        change = probes.embedding_change(Encoder(8, kernel).double(), side=9)
        assert change.shape == (9, 9) and change[4, 4] > 0 and (change > 0).sum() <= most


def test_positive_cells_are_those_close_to_the_anchor():
    maps = torch.tensor([[[[1.0, 1.05], [3.0, 1.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    rule = RegionalSettings(threshold=0.01)
    found = probes.positive_cells(rule, {"flow": Itself()}, maps, 0, 0)
    assert found["flow"].tolist() == [[True, True], [False, True]]


def test_embedding_table_counts_alike_cells_and_the_yardstick():
    maps = torch.tensor([[[[1.0, 1.05], [3.0, 1.0]]]])
    table = probes.embedding_table(
        RegionalSettings(threshold=0.01), {"flow": Itself()}, maps, torch.tensor([0])
    )
    assert table["positive cells (%)"].tolist() == [50, 75]
    assert table.loc["flow", ["channels ever above 0", "largest |z|"]].tolist() == [1, 3]


def test_a_network_that_splits_evenly_is_as_good_as_the_mean_split(task):
    even = lambda coarse: F.interpolate(coarse / 4, scale_factor=2)
    own, mean = probes.refinement_rmse(even, task.coarse, task.fine, task.valid)
    assert own == mean == pytest.approx(4.25**0.5)  # every block is off by 2.5, 1.5, 1.5, 2.5


def test_triplet_gap_is_below_zero_where_the_positive_is_nearer():
    maps = (
        torch.tensor([[0.0], [0.0]]),
        torch.tensor([[1.0], [3.0]]),
        torch.tensor([[2.0], [1.0]]),
    )
    assert probes.triplet_gap(nn.Identity(), *maps).tolist() == [1 - 4, 9 - 1]


def test_layers_are_listed_from_the_coarse_map_to_one_channel(task):
    table = probes.layer_shapes(UrbanSTC(task, TINY).eval(), task.coarse)
    assert table.iloc[0].tolist() == ["coarse map", 1, 2, 2]
    assert table.set_index("after").loc["side by side"].tolist() == [6, 2, 2]
    assert table.iloc[-1, 1:].tolist() == [1, 4, 4]


def test_frozen_encoders_stay_and_free_ones_move(task):
    torch.manual_seed(0)
    alive = replace(TINY, channels=16)
    assert not any(probes.encoders_moved(task, alive, freeze_epochs=1, steps=2).values())
    assert all(probes.encoders_moved(task, alive, freeze_epochs=0, steps=2).values())


def test_births_hold_dead_shares_and_last_biases(task):
    """Softplus cannot be dead; with ReLU a network is dead where its bias is far below zero."""
    shares, biases = probes.at_birth(task, TINY, task.coarse[:2], births=3)
    assert shares.tolist() == [0, 0, 0] and len(set(biases)) == 3
    again = probes.at_birth(task, replace(TINY, activation="relu"), task.coarse[:2], births=3)
    assert np.array_equal(again[1], biases)
