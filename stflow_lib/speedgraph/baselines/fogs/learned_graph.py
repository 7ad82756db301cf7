"""The graph that FOGS learns: roads walked only between sensors whose days are alike.

Rao et al. (IJCAI 2022), section 4.2. A walk from a sensor may only step on sensors that are among
the most similar to it; sensors that meet often on such walks are linked. The release draws the
walks and refuses steps; here a refused step is one that is not there, and how often two sensors
meet is computed (see `networks.node2vec`).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.speedgraph.networks.graph_operators import Square
from stflow_lib.speedgraph.networks.node2vec import (
    embedding,
    expected_cooccurrence,
    walk_transitions,
)


def alike_pairs(
    weights: Square, profile: Float[Tensor, "step node"], alike: int, length: int, window: int
) -> Square:
    """Expected meetings on one walk from each sensor; `profile` [S, N] is its mean day.

    Walks stay within a sensor and the `alike` others with the nearest profiles, so each is a
    chain of alike + 1 states. A sensor that no such road leaves meets nobody.
    """
    nodes = len(weights)
    far = torch.cdist(profile.T.double(), profile.T.double())
    far.fill_diagonal_(-1)  # a sensor is the first of its own list
    room = far.topk(min(alike + 1, nodes), largest=False).indices
    step = walk_transitions(weights)[room[:, :, None], room[:, None, :]]
    step = step / step.sum(2, keepdim=True).clamp_min(1e-12)
    start = torch.zeros_like(step[:, 0]).index_fill_(1, torch.tensor([0]).to(room), 1.0)
    local = expected_cooccurrence(step, start, length, window)
    pairs = torch.zeros(nodes, nodes).to(local)
    where = (room[:, :, None].expand_as(local), room[:, None, :].expand_as(local))
    return pairs.index_put_(where, local, accumulate=True)


def linked(vectors: Float[Tensor, "node width"], most: int) -> Square:
    """Rows that sum to 1 over the `most` others with the greatest (1 + cosine) / 2."""
    unit = torch.nn.functional.normalize(vectors, dim=1)
    cosine = ((1 + unit @ unit.T) / 2).fill_diagonal_(0)
    order = cosine.sort(dim=1, descending=True, stable=True).indices[:, :most]
    kept = torch.zeros_like(cosine).scatter_(1, order, cosine.gather(1, order))
    return kept / kept.sum(1, keepdim=True).clamp_min(1e-12)


def learned_graph(
    weights: Square,
    profile: Float[Tensor, "step node"],
    width: int = 128,
    alike: int = 10,
    length: int = 25,
    window: int = 10,
    most: int = 10,
) -> Square:
    """The whole of it, with the release's numbers; the diagonal is 0."""
    return linked(embedding(alike_pairs(weights, profile, alike, length, window), width), most)
