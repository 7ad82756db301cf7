"""Graph WaveNet: counts of the release, its receptive field, no node of its own."""

import pytest
import torch
from torch import nn

from stflow_lib.speedgraph.networks.graph_wavenet import (
    DILATIONS,
    RECEPTIVE_FIELD,
    GraphWaveNet,
    GWNSize,
    diffusion_terms,
)
from stflow_lib.training.method import count_parameters

SMALL = GWNSize(channels=4, skip=6, end=5, dropout=0.0, norm="none")
DEAD = 8 * (32 * 32 + 32)  # residual convolutions of the release, which are never used


@pytest.mark.parametrize(
    "inputs, ahead, supports, released",
    [(2, 12, 2, 288_876), (2, 6, 2, 285_798), (130, 6, 3, 306_278), (130, 6, 1, 273_510),
     (130, 6, 4, 322_662)],
)  # fmt: skip
def test_counts_of_the_release(inputs, ahead, supports, released):
    """All that learns; the release also holds residual convolutions and a last diffusion."""
    last = (1 + 2 * supports) * 32 * 32 + 32 + 2 * 32  # its diffusion and norm
    net = GraphWaveNet(inputs, ahead, supports)
    assert count_parameters(net) + DEAD + last == released


def test_field_is_thirteen_and_all_of_it_is_used():
    """The oldest input reaches the output, and one more step would not."""
    torch.manual_seed(0)
    net = GraphWaveNet(1, 2, 1, SMALL).eval()
    x = torch.randn(1, 3, RECEPTIVE_FIELD, 1, requires_grad=True)
    net(x, [torch.eye(3)]).sum().backward()
    assert RECEPTIVE_FIELD == 1 + sum(DILATIONS) == 13
    assert (x.grad.abs().sum((0, 1, 3)) > 0).all()


def test_short_windows_are_padded_before():
    torch.manual_seed(0)
    net, x = GraphWaveNet(1, 2, 1, SMALL).eval(), torch.randn(2, 3, 12, 1)
    padded = torch.cat([torch.zeros(2, 3, 1, 1), x], 2)
    torch.testing.assert_close(net(x, [torch.eye(3)]), net(padded, [torch.eye(3)]))


def test_powers_by_hand():
    h = torch.tensor([1.0, 10, 100]).view(1, 3, 1, 1)
    step = torch.roll(torch.eye(3), 1, 1)  # node 0 hears node 1
    one, two = diffusion_terms(h, [step])
    assert one.flatten().tolist() == [10, 100, 1] and two.flatten().tolist() == [100, 1, 10]


def test_order_of_nodes_does_not_matter():
    torch.manual_seed(0)
    net = GraphWaveNet(2, 6, 2, SMALL).eval()
    x, order = torch.randn(2, 5, 12, 2), torch.tensor([3, 1, 4, 0, 2])
    roads = [torch.rand(5, 5), torch.rand(2, 5, 5)]
    moved = [a[..., order, :][..., order] for a in roads]
    torch.testing.assert_close(net(x[:, order], moved), net(x, roads)[:, order])


def test_every_parameter_learns():
    """The release has some that never get a gradient; a combined step must not meet them."""
    net = GraphWaveNet(2, 6, 2, GWNSize(channels=4, skip=6, end=5))
    net(torch.randn(2, 5, 12, 2), [torch.eye(5), torch.eye(5)]).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert any(isinstance(m, nn.BatchNorm2d) for m in net.modules())


def test_unknown_norm():
    with pytest.raises(ValueError, match="norm 'layer'"):
        GWNSize(norm="layer")
