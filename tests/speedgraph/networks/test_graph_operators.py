"""Operators of a sensor graph: rows, loops, sensors without neighbours."""

import torch

from stflow_lib.speedgraph.networks.graph_operators import symmetric, transitions, without_loops

ROADS = torch.tensor([[1.0, 0.5, 0, 0], [0.25, 1, 0.25, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_a_loop_is_counted_once():
    """With or without the unit diagonal of the data files."""
    assert torch.equal(symmetric(ROADS), symmetric(without_loops(ROADS)))
    assert not without_loops(ROADS).diagonal().any()


def test_symmetric_by_hand():
    """D of W + I: 1.5, 1.5, 1, 1."""
    got = symmetric(ROADS)
    torch.testing.assert_close(got[0, 0], torch.tensor(1 / 1.5))
    torch.testing.assert_close(got[0, 1], torch.tensor(0.5 / 1.5))
    torch.testing.assert_close(got[1, 2], torch.tensor(0.25 / 1.5**0.5))


def test_rows_sum_to_one_or_nothing():
    """An isolated sensor gives zeros and no NaN; against the ways is the transpose's walk."""
    along, against = transitions(ROADS)
    assert along.sum(1).tolist() == [1, 1, 0, 0] and against.sum(1).tolist() == [1, 1, 1, 0]
    torch.testing.assert_close(along[1], torch.tensor([0.5, 0, 0.5, 0]))
    torch.testing.assert_close(against[2], torch.tensor([0.0, 1, 0, 0]))
