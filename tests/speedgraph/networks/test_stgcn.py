"""STGCN: counts of both variants, layers by hand, nothing that belongs to a node."""

import pytest
import torch

from stflow_lib.speedgraph.baselines.gpd.node_networks import node_network
from stflow_lib.speedgraph.baselines.stgfsl.generated_networks import generated
from stflow_lib.speedgraph.networks.graph_operators import scaled_laplacian
from stflow_lib.speedgraph.networks.stgcn import (
    STGCN,
    STGCNB,
    Align,
    GatedTime,
    STGCNSize,
    TimeBlock,
)
from stflow_lib.training.method import count_parameters

SMALL = STGCNSize(variant="B", channels=4, mixed=3, end=5, dropout=0.0)


def test_count_of_hazdzz():
    """244,609 for 207 sensors: norms over sensors and channels, and maps that are never used."""
    norms = 2 * 207 * (64 + 64 + 128)
    unused = sum(i * o + o for i, o in ((1, 64), (16, 64), (64, 64), (16, 64), (64, 128)))
    ours = 2 * (64 + 64 + 128)
    count = count_parameters(STGCNB(1, 1))
    assert norms == 105_984 and unused == 14_784
    assert count - ours + norms + unused == 244_609


def test_count_with_more_supports():
    """Two polynomials more for each, in both blocks."""
    more = count_parameters(STGCNB(2, 6, supports=2)) - count_parameters(STGCNB(2, 6))
    assert more == 2 * 2 * 16 * 16


def test_gated_time_by_hand():
    """An open gate and p = 0: the newest of three steps, with zeros for channels it has not."""
    layer = GatedTime(1, 2, 3)
    torch.nn.init.zeros_(layer.both.weight)
    with torch.no_grad():
        layer.both.bias.copy_(torch.tensor([0.0, 0, 1e3, 1e3]))
    x = torch.arange(4.0).view(1, 1, 4, 1)
    assert layer(x)[0, 0].tolist() == [[2, 0], [3, 0]]
    assert Align(4, 2).map is not None and Align(2, 2).map is None


def test_order_of_nodes_does_not_matter():
    """No norm and no bias of a sensor is left; graphs of any size, and one for each window."""
    torch.manual_seed(0)
    net, x, order = (
        STGCNB(2, 6, 12, 2, SMALL).eval(),
        torch.randn(2, 5, 12, 2),
        torch.randperm(5),
    )
    roads = [scaled_laplacian(torch.rand(5, 5)), torch.rand(2, 5, 5)]
    moved = [a[..., order, :][..., order] for a in roads]
    torch.testing.assert_close(net(x[:, order], moved), net(x, roads)[:, order])
    assert net(torch.randn(1, 9, 12, 2), [torch.eye(9)] * 2).shape == (1, 9, 6)


def test_every_parameter_learns():
    """What hazdzz/STGCN never uses is not there."""
    net = STGCNB(2, 6, size=SMALL)
    net(torch.randn(2, 5, 12, 2), [torch.rand(5, 5)]).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_a_window_that_is_used_up_is_an_error():
    with pytest.raises(ValueError, match="8 input steps: four temporal layers leave 0"):
        STGCNB(2, 6, lags=8)


@pytest.mark.parametrize(
    "build", [lambda s: generated(s, 2, 6, 12, 3), lambda s: node_network(s, 6, 12)]
)
def test_networks_made_of_variant_a_refuse_the_other(build):
    """They would ignore the word and be recorded under it."""
    with pytest.raises(ValueError, match="variant A, not B"):
        build(STGCNSize(8, 4, variant="B"))


@pytest.mark.parametrize("inputs, count", [(2, 97_094), (129, 170_246), (130, 170_822)])
def test_counts_of_stgcn(inputs, count):
    """A bias in the graph layer or a merged convolution shows here."""
    assert count_parameters(STGCN(inputs, 6)) == count


def test_a_second_support_has_maps_of_its_own():
    assert count_parameters(STGCN(130, 6, supports=2)) == 170_822 + 2_048


def test_time_block_by_hand():
    """p alone and an open gate: the sum of three steps."""
    block = TimeBlock(1, 1)
    for conv, value, bias in ((block.p, 1.0, 0), (block.q, 0.0, 0), (block.r, 0.0, 1e3)):
        torch.nn.init.constant_(conv.weight, value)
        torch.nn.init.constant_(conv.bias, bias)
    x = torch.arange(4.0).view(1, 1, 4, 1)
    assert block(x).flatten().tolist() == [3, 6]


def test_a_window_that_variant_a_uses_up():
    with pytest.raises(ValueError, match="10 input steps: five temporal layers leave 0"):
        STGCN(2, 6, lags=10)
