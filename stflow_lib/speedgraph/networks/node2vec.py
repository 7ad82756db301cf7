"""Vectors of nodes from random walks, without walking.

Skip-gram with negative samples on walks factorises the logarithm of how much more often two
nodes meet in a window than by chance (Levy and Goldberg 2014; Qiu et al., WSDM 2018). How often
they meet is an expectation, a sum over powers of the transitions: here it is computed, not
sampled, and the factors come from a singular value decomposition. So vectors have no seed.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.speedgraph.networks.graph_operators import Square, without_loops

Squares = Float[Tensor, "*some node node"]


def expected_cooccurrence(
    step: Squares, start: Float[Tensor, "*some node"], length: int, window: int
) -> Squares:
    """Expected number of times that two nodes are at most `window` apart on a walk, both ways.

    step: transitions, rows that sum to 1, or to less where a walk may end; start: how many
    walks begin where; length: nodes of a walk.
    """
    visits, pairs, ways = [start], torch.zeros_like(step), step
    for _ in range(length - 1):
        visits.append((visits[-1][..., None, :] @ step)[..., 0, :])
    for apart in range(1, min(window, length - 1) + 1):
        begun = torch.stack(visits[: length - apart]).sum(0)
        pairs = pairs + begun[..., None] * ways
        ways = ways @ step
    return pairs + pairs.mT


def embedding(pairs: Square, width: int) -> Float[Tensor, "node width"]:
    """Factors of max(0, log how much more often than by chance); zeros beyond the rank.

    Signs are fixed: the greatest entry of a column is positive. A node that meets nobody is 0.
    """
    pairs = pairs.double()
    chance = pairs.sum(1)[:, None] * pairs.sum(0) / pairs.sum().clamp_min(1e-300)
    lift = torch.where(pairs > 0, pairs / torch.where(chance > 0, chance, 1.0), 1.0)
    left, size, _ = torch.linalg.svd(lift.log().clamp_min(0))
    left = left * left.gather(0, left.abs().argmax(0, keepdim=True)).sign()
    vectors = (left * size.sqrt())[:, :width]
    return torch.nn.functional.pad(vectors, (0, width - vectors.shape[1])).float()


def node_vectors(
    weights: Square, width: int, length: int, window: int
) -> Float[Tensor, "node width"]:
    """node2vec with p = q = 1 on the undirected graph, a walk from every node."""
    step = walk_transitions(weights)
    return embedding(
        expected_cooccurrence(step, torch.ones_like(step[0]), length, window), width
    )


def walk_transitions(weights: Square) -> Square:
    """Transitions of a walk that may use each way in both directions; float64."""
    both = without_loops(weights.double() + weights.double().T)
    total = both.sum(1, keepdim=True)
    return both / torch.where(total > 0, total, 1.0)
