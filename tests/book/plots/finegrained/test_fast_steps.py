"""Arithmetic of layers by hand, drawn in the order in which they run."""

import pandas as pd
import torch
from torch import nn

from stflow_lib.book.plots.finegrained import fast_steps


class Toy(nn.Module):
    """3 x 3 from 1 to 2 channels on the map, 1 x 1 from 2 to 1 on one twice as large."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 1, 1)

    def forward(self, coarse, external):
        return self.last(self.first(coarse).repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_multiplications_are_kernel_times_channels_times_places():
    network = Toy()
    work = fast_steps.multiplications(network, torch.zeros(5, 1, 4, 4), torch.zeros(5, 0))
    assert (work * 1e6).round().to_dict() == {"first": 9 * 2 * 16, "last": 2 * 64}
    assert not network.first._forward_hooks


def test_the_first_layer_is_on_top():
    axis = fast_steps.layers_figure(pd.Series({"first": 1.0, "last": 3.0})).axes[0]
    assert [bar.get_width() for bar in axis.patches] == [3, 1]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["last", "first"]
    assert axis.get_xlabel() == "million multiplications per map" and axis.get_title()
    assert axis.get_ylabel() == "layer"


def test_memory_can_be_returned_any_number_of_times():
    """A wrong number for mallopt would abort the process."""
    fast_steps.return_memory()
    fast_steps.return_memory()
    assert torch.zeros(1000).sum() == 0
