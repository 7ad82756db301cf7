"""Operators on a sensor graph: the weights w[i, j] of the way from sensor i to sensor j.

A city's adjacency may have a unit diagonal or none; here the diagonal is taken off first, so
that a self loop is never counted twice. A sensor without neighbours keeps to itself: no row is
divided by zero.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Square = Float[Tensor, "node node"]


def without_loops(weights: Square) -> Square:
    """The same graph with a zero diagonal."""
    return weights - torch.diag(weights.diagonal())


def symmetric(weights: Square) -> Square:
    """D^-1/2 (W + I) D^-1/2 with D from row sums: the operator of ST-GFSL, TPB and TSJT."""
    looped = without_loops(weights) + torch.eye(len(weights)).to(weights)
    root = looped.sum(1).rsqrt()
    return root[:, None] * looped * root


def transitions(weights: Square) -> tuple[Square, Square]:
    """Random walks along and against the ways: rows of W and of W^T that sum to 1, or to 0.

    Source: DCRNN (Li et al. 2018) and the "double transition" of Graph WaveNet.
    """
    plain = without_loops(weights)
    return _rows(plain), _rows(plain.T)


def _rows(weights: Square) -> Square:
    total = weights.sum(1, keepdim=True)
    return weights / torch.where(total > 0, total, 1.0)
