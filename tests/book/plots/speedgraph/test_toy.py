"""Toy: losses and slopes by hand, steps that add up, conflicts where they are."""

import numpy as np
import pytest
import torch

from stflow_lib.book.plots.speedgraph import toy
from stflow_lib.speedgraph.tsjt.tsb import GradientRule


@pytest.fixture
def losses():
    """Two round bowls, the source's one step to the right of the target's."""
    round_bowl = torch.eye(2).double()
    return {
        "target": toy.Quadratic(round_bowl, torch.zeros(2).double()),
        "source": toy.Quadratic(2 * round_bowl, torch.tensor([1.0, 0.0]).double()),
    }


def test_loss_and_slope_by_hand(losses):
    points = torch.tensor([[1.0, 0.0], [2.0, 3.0]]).double()
    assert losses["source"].loss(points).tolist() == [0, 10]
    assert losses["source"].gradient(points[1]).tolist() == [2, 6]
    plane = losses["target"].plane(np.array([[1.0, 2.0]]), np.array([[0.0, 3.0]]))
    assert plane.tolist() == [[0.5, 6.5]]


def test_a_way_follows_its_rule(losses):
    start = torch.tensor([2.0, 0.0]).double()
    alone = toy.descend(GradientRule("target", 1.0, 1.0), losses, start, 2, 0.5)
    assert alone.tolist() == [[2, 0], [1, 0], [0.5, 0]]
    both = toy.descend(GradientRule("sum", 1.0, 1.0), losses, start, 1, 0.5)
    assert both[1].tolist() == [0, 0]


def test_conflict_lies_between_the_minima(losses):
    way = torch.tensor([[2.0, 0.0], [0.9, 0.0], [0.5, 0.5], [0.5, 0.0]]).double()
    assert toy.first_conflict(way, losses, -0.4).tolist() == [0.5, 0]


def test_parts_add_up_and_stand_at_a_right_angle(losses):
    parts = toy.downhill_parts(torch.tensor([0.5, 0.5]).double(), losses)
    g_t, g_s, along, across = parts.values()
    assert g_t.tolist() == [-0.5, -0.5] and g_s.tolist() == [1, -1]
    np.testing.assert_allclose(along + across, g_s)
    assert abs(across @ g_t) < 1e-12


def test_what_a_rule_adds_at_three_angles():
    angles = np.radians([0, 90, 180])
    np.testing.assert_allclose(
        toy.added_by_angle("sum", angles), [[1, 0], [0, 1], [-1, 0]], atol=1e-6
    )
    np.testing.assert_allclose(
        toy.added_by_angle("tsb", angles), [[1, 0], [0, 1], [0, 0]], atol=1e-6
    )


def test_plain_steps_of_tsb_never_lead_uphill():
    torch.manual_seed(0)
    assert toy.uphill_shares(GradientRule("tsb", 1.0, 1.0), 50)["plain step"] == 0
    assert toy.uphill_shares(GradientRule("sum", 1.0, 1.0), 50)["plain step"] > 10
    assert toy.uphill_shares(GradientRule("target", 1.0, 1.0), 50) == {
        "plain step": 0, "Adam's first step": 0}  # fmt: skip
