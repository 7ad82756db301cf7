"""The learned graph: walks stay among the alike, rows sum to one."""

import torch

from stflow_lib.speedgraph.baselines.fogs.learned_graph import (
    alike_pairs,
    learned_graph,
    linked,
)


def test_walks_stay_among_the_alike():
    """A ring of six, alternating between two kinds of days: no walk can leave its start's kind,
    unless a sensor of the other kind is among the most alike."""
    ring = torch.roll(torch.eye(6), 1, 1)
    profile = torch.tensor([[0.0, 9, 0.1, 9.1, 0.2, 9.2]])
    assert not alike_pairs(ring, profile, 2, 8, 3).any()
    chords = ring @ ring
    pairs = alike_pairs(ring + chords, profile, 2, 8, 3)
    assert pairs[0, 2] > 0 and not pairs[::2, 1::2].any()
    torch.testing.assert_close(pairs, pairs.T)


def test_learned_graph_has_rows_of_one(task):
    """As many links as asked for, none to itself."""
    found = linked(torch.tensor([[1.0, 0], [1, 0.1], [0, 1]]), 1)
    assert found.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    city = task.sources[0]
    graph = learned_graph(city.weights, city.scaled[:144], most=3)
    torch.testing.assert_close(graph.sum(1), torch.ones(7).to(graph))
    assert ((graph > 0).sum(1) == 3).all() and not graph.diagonal().any()
