"""Vectors from walks: expected meetings against walks that are walked."""

import numpy as np
import torch

from stflow_lib.speedgraph.networks.node2vec import (
    embedding,
    expected_cooccurrence,
    node_vectors,
    walk_transitions,
)


def test_expected_pairs_are_the_mean_of_walks():
    """Against 4,000 walks: a window counted once too often, or the last step left out."""
    weights = torch.tensor([[0, 1.0, 0, 0], [0, 0, 2, 0], [0.5, 0, 0, 1], [0, 0, 0, 0]])
    step = walk_transitions(weights)
    random, count = np.random.default_rng(0), torch.zeros(4, 4)
    for _ in range(4_000):
        walk = [int(random.integers(4))]
        while len(walk) < 5:
            walk.append(int(random.choice(4, p=step[walk[-1]].numpy())))
        for i in range(5):
            for j in range(i + 1, min(i + 3, 5)):
                count[walk[i], walk[j]] += 1
                count[walk[j], walk[i]] += 1
    want = expected_cooccurrence(step, torch.full((4,), 1_000.0).double(), 5, 2)
    assert (count - want).abs().max() < 0.06 * want.max()


def test_vectors_tell_the_graph():
    """Two cliques: vectors of one are alike, of both are not; a lonely node is 0."""
    weights = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3), torch.zeros(1, 1))
    vectors = node_vectors(weights, 8, 6, 3)
    alike = vectors @ vectors.T
    assert vectors.shape == (7, 8) and not vectors[6].any()
    assert alike[0, 1] > 0.1 and alike[0, 4].abs() < 1e-5
    assert torch.isfinite(embedding(torch.zeros(3, 3), 2)).all()
