"""DCRNN: the count of the release, diffusion by hand, a decoder that reads itself."""

import torch
from torch import nn

from stflow_lib.speedgraph.networks.dcrnn import DCRNN, Cell, DCRNNSize, diffused
from stflow_lib.training.method import count_parameters

SMALL = DCRNNSize(units=3)


def test_counts_of_the_release():
    net = DCRNN(2, 6)
    assert count_parameters(net.encoder) == 186_624
    assert count_parameters(net.decoder) + count_parameters(net.last) == 185_728
    assert count_parameters(net) == 372_352


def test_diffusion_by_hand():
    """Chebyshev's recursion, from x anew for the second support."""
    x = torch.randn(2, 4, 3)
    one, two = torch.rand(4, 4), torch.rand(4, 4)
    got = diffused(x, [one, two]).chunk(5, 2)
    want = [x, one @ x, 2 * one @ (one @ x) - x, two @ x, 2 * two @ (two @ x) - x]
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b)


def test_a_cell_by_hand():
    """No support: gates, candidate and blend of a GRU, with one bias where torch has two."""
    torch.manual_seed(0)
    cell, like = Cell(2, 3, 0), nn.GRUCell(2, 3)
    x, h = torch.randn(1, 5, 2), torch.randn(1, 5, 3)
    joined = torch.cat([x, h], 2)
    reset, update = cell.gates(joined).sigmoid().chunk(2, 2)
    new = cell.candidate(torch.cat([x, reset * h], 2)).tanh()
    torch.testing.assert_close(cell(x, h, []), update * h + (1 - update) * new)
    assert count_parameters(like) == count_parameters(cell) + 9  # it has a second bias


def test_gates_start_open():
    """Bias 1: the old state is kept rather than forgotten."""
    cell = Cell(2, 3, 1)
    assert (cell.gates.bias == 1).all() and not cell.candidate.bias.any()


def test_the_decoder_reads_what_it_wrote():
    """The first step depends on the window only; a longer decoder does not change it."""
    torch.manual_seed(0)
    long = DCRNN(2, 6, 1, SMALL)
    short = DCRNN(2, 2, 1, SMALL)
    short.load_state_dict(long.state_dict())
    x, road = torch.randn(2, 5, 12, 2), torch.rand(5, 5)
    torch.testing.assert_close(long(x, [road])[..., :2], short(x, [road]))
    assert long(x, [road]).std(2).min() > 0


def test_order_of_nodes_does_not_matter():
    torch.manual_seed(0)
    net, order = DCRNN(2, 3, 1, SMALL), torch.tensor([3, 1, 4, 0, 2])
    x, road = torch.randn(2, 5, 12, 2), torch.rand(5, 5)
    moved = net(x[:, order], [road[order][:, order]])
    torch.testing.assert_close(moved, net(x, [road])[:, order])
