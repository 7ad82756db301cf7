"""Networks of single sensors: counts, neighbours, side by side as one after the other."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph.baselines.gpd.node_networks import (
    NodeNetworks,
    flatten_parameters,
    initial_node_networks,
    neighbours,
    node_error,
    node_network,
)
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.backbones import backbone_supports
from stflow_lib.training.method import count_parameters

NODE = stgcn.STGCNSize(3, 2, 4)


def test_counts_of_the_release():
    """No biases but those of the norms; Graph WaveNet without its dead parts."""
    assert (
        count_parameters(node_network(stgcn.STGCNSize(32, 8, 4), 6, 12)) == 16_960 == 64 * 265
    )
    net = node_network(gwn.GWNSize(32, 32, 32), 6, 12)
    dead = 8 * 32 * 32 + 5 * 32 * 32 + 2 * 32
    assert count_parameters(net) + dead == 91_904 == 256 * 359


def test_neighbours_by_hand():
    """Heaviest first, ways in either direction, missing ones behind the last sensor."""
    weights = torch.tensor([[1.0, 0.2, 0, 0], [0, 1, 0, 0.9], [0, 0.5, 1, 0], [0, 0, 0, 0]])
    got = neighbours(weights, torch.tensor([1, 3]), 3, NODE)
    assert got.around.tolist() == [[1, 3, 2, 0], [3, 1, 4, 4]]
    padded = torch.nn.functional.pad(weights * (1 - torch.eye(4)), (0, 1, 0, 1))
    (want,) = backbone_supports(stgcn.STGCNSize(), padded[[1, 3, 2, 0]][:, [1, 3, 2, 0]])
    torch.testing.assert_close(got.supports[0][0], want)
    assert got.supports[0][1, 0, 2:].tolist() == [0, 0]


@pytest.mark.parametrize("size", [NODE, gwn.GWNSize(3, 4, 5, 0.0, "none")])
def test_side_by_side_is_one_after_the_other(size, task):
    """Every network with its own weights on its own neighbours."""
    city, nodes = task.target, torch.tensor([0, 3])
    near = neighbours(city.weights, nodes, 2, size)
    torch.manual_seed(0)
    alone = [node_network(size, 6, 12).eval() for _ in nodes]
    models = NodeNetworks(
        node_network(size, 6, 12), torch.stack([flatten_parameters(n) for n in alone])
    )
    x = city.windows(city.train[:4])
    got = models.eval()(x, near)
    padded = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, 1))
    for m, network in enumerate(alone):
        want = network(padded[:, near.around[m]], [s[m] for s in near.supports])[:, 0]
        torch.testing.assert_close(got[:, m], want, atol=1e-5, rtol=1e-4)


def test_a_network_learns_from_its_own_sensor_only(task):
    """The gradient of one row is that of its sensor's error."""
    city, nodes = task.target, torch.tensor([0, 3])
    near = neighbours(city.weights, nodes, 2, NODE)
    torch.manual_seed(0)
    models = initial_node_networks(task, stgcn.STGCNSize(16, 8, 4), 2)
    assert torch.equal(*models.vectors)
    blind = replace(city, seen=city.seen.clone().index_fill_(1, torch.tensor([3]), False))
    node_error(models, blind, near, city.train[:8]).backward()
    assert models.vectors.grad[0].any() and not models.vectors.grad[1].any()
