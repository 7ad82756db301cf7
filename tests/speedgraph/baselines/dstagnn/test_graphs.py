"""Graphs from days against linear programs and by hand."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from stflow_lib.speedgraph.baselines.dstagnn.graphs import (
    day_distance,
    nearest_graphs,
    transport,
)


def test_transport_is_the_linear_program():
    """Too few rounds or too high a temperature would blur which sensors are near."""
    random = np.random.default_rng(0)
    for size in (1, 3, 4):
        cost, here, there = (
            random.random((size, size)),
            random.random(size),
            random.random(size),
        )
        here, there = here / here.sum(), there / there.sum()
        sums = np.concatenate([np.kron(np.eye(size), np.ones(size)),
                               np.kron(np.ones(size), np.eye(size))])  # fmt: skip
        want = linprog(cost.ravel(), A_eq=sums, b_eq=np.concatenate([here, there])).fun
        found = transport(*map(torch.from_numpy, (cost, here, there))).item()
        assert found == pytest.approx(want, abs=0.01)


def test_distance_knows_no_order_of_days():
    """The same days in another order are no distance apart; a sensor is at none from itself."""
    days = torch.rand(3, 8, 1) + 1
    other = torch.cat([days, days[[2, 0, 1]], torch.rand(3, 8, 1)], 2)
    apart = day_distance(other)
    assert torch.equal(apart, apart.T) and not apart.diagonal().any()
    assert apart[0, 1] < 0.01 * apart[0, 2]


def test_graphs_of_the_nearest():
    """The farthest instead of the nearest, or a weight that is normalised along rows."""
    apart = torch.tensor([[0, 0.1, 0.4], [0.1, 0, 0.2], [0.4, 0.2, 0]])
    links, related = nearest_graphs(apart, 0.01)
    assert links.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    weight = (1 - apart) / (1 - apart).mean(0)
    torch.testing.assert_close(related, weight * (links + torch.eye(3)))
