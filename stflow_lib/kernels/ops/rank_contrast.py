"""Contrast every region with those that are no more similar (STBaT, SimDCL, Eq. 13)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from stflow_lib.kernels.backend import dispatch

EPS = 1e-8  # least norm of a feature: a region of zeros has cosine 0 with every other


def rank_contrast_naive(
    features: Float[Tensor, "region width"],
    similarity: Float[Tensor, "region region"],
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    """SimDCL as the paper writes it: one masked denominator for each pair, R^3 numbers.

    features d [R, J] of any scale, similarity delta [R, R] (its order counts, its diagonal does
    not) -> mean over ordered pairs of -s_ik + log sum_{j != i, delta_ij <= delta_ik} exp s_ij
    with s = cosine / temperature; dimensionless; 0 where there is no pair.
    The denominator reads as in Rank-N-Contrast (Zha et al., 2023). Source: STBaT Eq. 13.
    """
    scores = _scores(features, similarity, temperature)
    if len(features) < 2:
        return scores.sum() * 0.0
    s, order = _partners(scores), _partners(similarity)
    no_more_similar = order[:, None, :] <= order[:, :, None]  # [anchor i, partner k, other j]
    others = s[:, None, :].masked_fill(~no_more_similar, -torch.inf)
    return (others.logsumexp(2) - s).mean()


def rank_contrast(
    features: Float[Tensor, "region width"],
    similarity: Float[Tensor, "region region"],
    temperature: float = 1.0,
) -> Float[Tensor, ""]:
    """SimDCL (Eq. 13), ties included, in O(R^2 log R) time and O(R^2) memory, both ways.

    Sorted by similarity, the denominators of an anchor are the values of one running
    log-sum-exp, read at the end of each group of ties. Shapes, units and source as in
    `rank_contrast_naive`. At least float32 inside, whatever autocast says; no gradient
    reaches `similarity`, and gradients have none of their own.
    Raises ValueError for other shapes and for a temperature that is not positive.
    """
    arguments = (features, similarity, temperature)
    return dispatch("rank_contrast", rank_contrast_naive, _torch, arguments)


def _torch(features: Tensor, similarity: Tensor, temperature: float) -> Tensor:
    """Every row sorted, one running log-sum-exp."""
    scores = _scores(features, similarity, temperature)
    if len(features) < 2:
        return scores.sum() * 0.0
    ranked, order = _partners(similarity.detach()).sort(dim=1)
    first = torch.searchsorted(ranked, ranked)  # of the group of ties
    last = torch.searchsorted(ranked, ranked, right=True) - 1
    return _RankedContrast.apply(_partners(scores).gather(1, order), first, last)


def _scores(features: Tensor, similarity: Tensor, temperature: float) -> Tensor:
    """Cosines of all pairs over the temperature, [R, R]."""
    count = len(features)
    if tuple(similarity.shape) != (count, count):
        raise ValueError(
            f"rank_contrast: similarity {tuple(similarity.shape)} is not {count} x {count}"
        )
    if not temperature > 0:
        raise ValueError(f"rank_contrast: temperature {temperature} is not positive")
    with torch.autocast(features.device.type, enabled=False):
        exact = features.to(torch.promote_types(features.dtype, torch.float32))
        unit = F.normalize(exact, dim=1, eps=EPS)
        return unit @ unit.T / temperature


def _partners(square: Tensor) -> Tensor:
    """[R, R] -> [R, R - 1]: every row without its diagonal element, order kept."""
    count = len(square)
    return square.reshape(-1)[1:].reshape(count - 1, count + 1)[:, :-1].reshape(count, -1)


class _RankedContrast(torch.autograd.Function):
    """Mean loss of scores [R, R - 1] in ascending order of similarity, and its gradient.

    dl/ds_j = exp(s_j) * sum of 1 / S_k over the partners k that have j in their denominator
    S_k, minus 1: a suffix sum read at the start of j's ties, in logarithms throughout.
    """

    @staticmethod
    def forward(ctx, scores, first: Int[Tensor, "r p"], last: Int[Tensor, "r p"]):
        denominator = scores.logcumsumexp(1).gather(1, last)
        ctx.save_for_backward(scores, denominator, first)
        return (denominator - scores).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        scores, denominator, first = ctx.saved_tensors
        suffix = denominator.neg().flip(1).logcumsumexp(1).flip(1)
        share = scores.add(suffix.gather(1, first)).exp()
        return (share - 1) * (upstream / scores.numel()), None, None
