"""Operators on a sensor graph: the weights w[i, j] of the way from sensor i to sensor j.

A city's adjacency may have a unit diagonal or none; here the diagonal is taken off first, so
that a self loop is never counted twice. A sensor without neighbours keeps to itself: no row is
divided by zero.
"""

import torch
from jaxtyping import Float
from torch import Tensor

Square = Float[Tensor, "node node"]
Support = Float[Tensor, "... node node"]  # one for all windows, or one for each
NodeSeries = Float[Tensor, "b node lag channel"]
LaterSeries = Float[Tensor, "b node later output"]  # after a layer that uses up steps


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


def propagate(support: Support, x: NodeSeries) -> NodeSeries:
    """Every node receives its row's share of the others: sum_m A[n, m] x[m]."""
    flat = x.flatten(2)
    return (support.to(x.dtype) @ flat).view_as(x)


def polynomials(support: Support, x: NodeSeries, order: int) -> list[NodeSeries]:
    """T_k(S) x for k below `order`: T_0 = 1, T_1 = S, T_k = 2 S T_(k-1) - T_(k-2)."""
    found = [x, propagate(support, x)]
    while len(found) < order:
        found.append(2 * propagate(support, found[-1]) - found[-2])
    return found[:order]


def scaled_laplacian(weights: Square) -> Square:
    """2 L / lambda_max - I with L = I - D^-1/2 W D^-1/2 of ways in either direction.

    Eigenvalues lie in [-1, 1]; a sensor without neighbours has its own row and no NaN.
    """
    plain = without_loops(weights)
    both, one = torch.maximum(plain, plain.T), torch.eye(len(weights)).to(weights)
    degree = both.sum(1)
    root = torch.where(degree > 0, degree, 1.0).rsqrt()
    laplacian = one - root[:, None] * both * root
    return 2 * laplacian / torch.linalg.eigvalsh(laplacian)[-1] - one


def chebyshev(links: Square, order: int) -> list[Square]:
    """T_0 to T_(order - 1) of 2 L / lambda - 1, L = D - W with each link taken both ways.

    By matrix products; the released recursion multiplies entry by entry.
    """
    both = torch.maximum(links, links.T)
    laplacian = torch.diag(both.sum(1)) - both
    most = torch.linalg.eigvalsh(laplacian.double())[-1].clamp_min(1e-9).float()
    one = torch.eye(len(links)).to(links)
    scaled = 2 * laplacian / most - one
    found = [one, scaled]
    for _ in range(order - 2):
        found.append(2 * scaled @ found[-1] - found[-2])
    return found[:order]
