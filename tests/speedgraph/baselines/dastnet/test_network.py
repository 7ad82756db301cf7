"""DASTNet's network: its size, and the short form of its cell."""

import torch

from stflow_lib.speedgraph.baselines.dastnet.network import (
    Cell,
    DASTNet,
    DASTNetSize,
    Extractor,
)
from stflow_lib.training.method import count_parameters


def test_parameters_of_the_release():
    """Three cities, three steps: what never learns there is named part by part."""
    released = DASTNet(["a", "b", "c"], 3, alike=False)
    extractor, line = count_parameters(Extractor(DASTNetSize())), 64 * 65
    assert extractor == 8_449
    assert count_parameters(released) + 2 * extractor + 6 * line + 2 == 113_746
    one = DASTNet(["a", "b", "c"], 3)
    assert count_parameters(one) == count_parameters(released) - 2 * extractor


def test_the_short_cell_is_the_long_one():
    """The feature is joined at every step, not only once."""
    torch.manual_seed(0)
    cell, speed, feature = Cell(5), torch.randn(2, 3, 4), torch.randn(3, 5)
    state = torch.zeros(2, 3, 5)
    for t in range(4):
        both = torch.cat([speed[..., t : t + 1], state], 2)
        reset, update = cell.gates(both).sigmoid().chunk(2, 2)
        seen = torch.cat([speed[..., t : t + 1], reset * state], 2)
        new = update * state + (1 - update) * cell.candidate(seen).tanh()
        mapped = (feature @ cell.map + cell.shift).expand(2, 3, 5)
        state = cell.join(torch.cat([new, mapped], 2))
    torch.testing.assert_close(cell(speed, feature), state)
