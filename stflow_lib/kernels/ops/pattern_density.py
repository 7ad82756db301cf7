"""How common a region's pattern is, and the weight that makes up for it (STBaT Eq. 6, 14)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.kernels.backend import dispatch


def pattern_density_naive(
    embedding: Float[Tensor, "region width"], bandwidth: float
) -> Float[Tensor, " region"]:
    """The kernel density of every region among all, itself included, as the paper writes it.

    embedding phi [R, D], bandwidth h in its units -> log rho [R], where rho_r is the mean of
    exp(-|phi_r - phi_i|^2 / 2 h^2): the normal kernel in units of its peak. Constant factors
    (1 / h or 1 / h^D, the power of 2 pi) divide out of Eq. 14 and would underflow.
    R x R x D numbers. Source: STBaT Eq. 6.
    """
    steps = (embedding[:, None] - embedding[None, :]) / bandwidth
    return steps.square().sum(2).div(-2).exp().mean(1).log()


def pattern_density(
    embedding: Float[Tensor, "region width"], bandwidth: float
) -> Float[Tensor, " region"]:
    """The density of Eq. 6 in log space, R x R numbers; log(1 / R) <= log rho <= 0 always.

    Shapes, units and source as in `pattern_density_naive`. Distances are taken from
    differences, so that equal embeddings are at distance 0. At least float32 inside.
    Raises ValueError for a bandwidth that is not positive.
    """
    if not bandwidth > 0:
        raise ValueError(f"pattern_density: bandwidth {bandwidth} is not positive")
    return dispatch(
        "pattern_density", pattern_density_naive, _by_distances, (embedding, bandwidth)
    )


def _by_distances(embedding: Tensor, bandwidth: float) -> Tensor:
    """From the matrix of distances."""
    exact = embedding.to(torch.promote_types(embedding.dtype, torch.float32)) / bandwidth
    distance = torch.cdist(exact, exact, compute_mode="donot_use_mm_for_euclid_dist")
    return distance.square().div(-2).logsumexp(1) - math.log(max(len(embedding), 1))


def density_weights(log_density: Float[Tensor, " region"]) -> Float[Tensor, " region"]:
    """omega = R softmax(-log rho): inverse to the density, 1 on average, between 0 and R.

    log_density [R], up to any constant -> weights [R]. Source: STBaT Eq. 14.
    """
    return len(log_density) * torch.softmax(-log_density, 0)
