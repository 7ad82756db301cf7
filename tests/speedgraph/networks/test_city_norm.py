"""Running statistics of each city apart, weights of all together."""

import pytest
import torch
from torch import nn

from stflow_lib.speedgraph.networks.city_norm import CityBatchNorm, at_city, separate_statistics
from stflow_lib.speedgraph.networks.graph_wavenet import GraphWaveNet, GWNSize


def wave(cities=("here", "there")):
    torch.manual_seed(0)
    return separate_statistics(GraphWaveNet(2, 6, 2, GWNSize(4, 6, 5, 0.0)), cities)


def norms(network):
    return [m for m in network.modules() if isinstance(m, CityBatchNorm)]


def seen(network, city, x, times=1):
    for _ in range(times):
        at_city(network, city)(x, [torch.eye(x.shape[1])] * 2)


def test_one_city_is_plain_batch_normalisation():
    """Bit for bit, in training and after it, so that a target alone is what it was."""
    torch.manual_seed(1)
    batches, plain = torch.randn(3, 8, 4, 5, 6), nn.BatchNorm2d(4)
    net = separate_statistics(nn.Sequential(nn.BatchNorm2d(4)), ["here"])
    assert not isinstance(net[0], nn.BatchNorm2d)
    for x in batches:
        assert torch.equal(plain(x), net(x))
    assert torch.equal(plain.eval()(batches[0]), net.eval()(batches[0]))


def test_no_norm_of_the_release_is_left_and_weights_are_shared():
    """Seven norms, each with one weight and one bias for all cities."""
    net, one = wave(), wave(["here"])
    assert len(norms(net)) == 7
    assert not any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    shapes = lambda n: {name: p.shape for name, p in n.named_parameters()}
    assert shapes(net) == shapes(one)


def test_another_citys_batches_leave_the_answer():
    """Ten times the speed in another city: the first one's answers in use stay, bit for bit."""
    net, x = wave(), torch.randn(4, 5, 12, 2)
    seen(net, "here", x, 3)
    road = [torch.eye(5)] * 2
    before = at_city(net.eval(), "here")(x, road)
    seen(net.train(), "there", 10 * x, 3)
    assert torch.equal(at_city(net.eval(), "here")(x, road), before)
    assert not torch.equal(at_city(net, "there")(x, road), before)


def test_a_city_without_a_batch_has_the_pooled_statistics():
    """Mean and variance of a draw from either city with even odds, not those of one of them."""
    norm = CityBatchNorm(nn.BatchNorm2d(1), ["new", "a", "b"])
    norm.means[1:], norm.variances[1:] = torch.tensor([[1.0], [5]]), torch.tensor([[2.0], [4]])
    norm.batches[1:] = 1
    mean, variance = norm.statistics()
    assert (mean.item(), variance.item()) == (3.0, 7.0)  # (2 + 4) / 2 + ((1 - 3)^2 + 2^2) / 2
    norm(torch.full((1, 1, 1, 2), 3.0))  # its first batch: it starts from there, by a tenth
    assert norm.means[0].item() == pytest.approx(3.0) and norm.batches.tolist() == [1, 1, 1]
    assert norm.variances[0].item() == pytest.approx(0.9 * 7.0)


def test_cities_of_one_batch_have_one_gradient():
    """As in a batch of several sources: the gradient of the sum is the sum of gradients."""
    x, road = torch.randn(4, 5, 12, 2), [torch.eye(5)] * 2
    total = lambda net, cities: sum(at_city(net, c)(x, road).square().sum() for c in cities)
    both, (one, two) = wave(), (wave(), wave())
    total(both, ("here", "there")).backward()
    total(one, ("here",)).backward(), total(two, ("there",)).backward()
    for whole, a, b in zip(*(n.parameters() for n in (both, one, two)), strict=True):
        torch.testing.assert_close(whole.grad, a.grad + b.grad)


def test_the_number_of_batches_is_kept():
    """A resumed training must know which cities were seen."""
    net, again = wave(), wave()
    seen(net, "there", torch.randn(4, 5, 12, 2))
    again.load_state_dict(net.state_dict())
    assert all(n.batches.tolist() == [0, 1] for n in norms(again))
