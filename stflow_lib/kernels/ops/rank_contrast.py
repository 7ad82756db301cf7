"""Contrast every region with those that are no more similar (STBaT, SimDCL, Eq. 13)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from stflow_lib.kernels.backend import dispatch

EPS = 1e-8  # least norm of a feature: a region of zeros has cosine 0 with every other


def rank_contrast_naive(
    features: Float[Tensor, "*batch region width"],
    similarity: Float[Tensor, "*batch region region"],
    temperature: float = 1.0,
) -> Float[Tensor, "*batch"]:
    """SimDCL as the paper writes it: one masked denominator for each pair, R^3 numbers.

    features d [*B, R, J] of any scale, similarity delta [*B, R, R] (its order counts, its
    diagonal does not) -> for each item of the batch [*B], mean over ordered pairs of
    -s_ik + log sum_{j != i, delta_ij <= delta_ik} exp s_ij
    with s = cosine / temperature; dimensionless; 0 where there is no pair.
    The denominator reads as in Rank-N-Contrast (Zha et al., 2023). Source: STBaT Eq. 13.
    """
    scores = _scores(features, similarity, temperature)
    if features.shape[-2] < 2:
        return scores.sum((-2, -1)) * 0.0
    s, order = _partners(scores), _partners(similarity)
    no_more_similar = order[..., None, :] <= order[..., None]  # [anchor i, partner k, other j]
    others = s[..., None, :].masked_fill(~no_more_similar, -torch.inf)
    return _mean_of_pairs(others.logsumexp(-1) - s)


def rank_contrast(
    features: Float[Tensor, "*batch region width"],
    similarity: Float[Tensor, "*batch region region"],
    temperature: float = 1.0,
) -> Float[Tensor, "*batch"]:
    """SimDCL (Eq. 13), ties included, in O(R^2 log R) time and O(R^2) memory, both ways.

    Sorted by similarity, the denominators of an anchor are the values of one running
    log-sum-exp, read at the end of each group of ties. Shapes, units and source as in
    `rank_contrast_naive`; torch.func.vmap is one batch axis more. At least float32 inside,
    whatever autocast says; no gradient reaches `similarity`, and gradients have none of their own.
    Raises ValueError for other shapes and for a temperature that is not positive.
    """
    arguments = (features, similarity, temperature)
    return dispatch("rank_contrast", rank_contrast_naive, _torch, arguments)


def _torch(features: Tensor, similarity: Tensor, temperature: float) -> Tensor:
    """Every row sorted, one running log-sum-exp."""
    scores = _scores(features, similarity, temperature)
    if features.shape[-2] < 2:
        return scores.sum((-2, -1)) * 0.0
    ranked, order = _partners(similarity.detach()).sort(dim=-1)
    first = torch.searchsorted(ranked, ranked)  # of the group of ties
    last = torch.searchsorted(ranked, ranked, right=True) - 1
    return _RankedContrast.apply(_partners(scores).gather(-1, order), first, last)[0]


def _scores(features: Tensor, similarity: Tensor, temperature: float) -> Tensor:
    """Cosines of all pairs over the temperature, [*B, R, R]."""
    if features.ndim < 2:
        raise ValueError(f"rank_contrast: features {tuple(features.shape)} have no two axes")
    wanted = (*features.shape[:-1], features.shape[-2])
    if tuple(similarity.shape) != wanted:
        raise ValueError(
            f"rank_contrast: similarity {tuple(similarity.shape)} is not "
            f"{' x '.join(map(str, wanted))}"
        )
    if not temperature > 0:
        raise ValueError(f"rank_contrast: temperature {temperature} is not positive")
    with torch.autocast(features.device.type, enabled=False):
        exact = features.to(torch.promote_types(features.dtype, torch.float32))
        unit = F.normalize(exact, dim=-1, eps=EPS)
        return unit @ unit.mT / temperature


def _partners(square: Tensor) -> Tensor:
    """[*B, R, R] -> [*B, R, R - 1]: every row without its diagonal element, order kept."""
    count = square.shape[-1]
    rows = square.flatten(-2)[..., 1:].unflatten(-1, (count - 1, count + 1))
    return rows[..., :-1].reshape(*square.shape[:-1], count - 1)


def _mean_of_pairs(losses: Tensor) -> Tensor:
    return losses.flatten(-2).mean(-1)


class _RankedContrast(torch.autograd.Function):
    """Mean loss of scores [*B, R, R - 1] in ascending order of similarity, and its gradient.

    dl/ds_j = exp(s_j) * sum of 1 / S_k over the partners k that have j in their denominator
    S_k, minus 1: a suffix sum read at the start of j's ties, in logarithms throughout.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(scores, first: Int[Tensor, "*b r p"], last: Int[Tensor, "*b r p"]):
        denominator = scores.logcumsumexp(-1).gather(-1, last)
        return _mean_of_pairs(denominator - scores), denominator

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output[1], inputs[1])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream, _):
        scores, denominator, first = ctx.saved_tensors
        suffix = denominator.neg().flip(-1).logcumsumexp(-1).flip(-1)
        share = scores.add(suffix.gather(-1, first)).exp()
        each = upstream / (scores.shape[-2] * scores.shape[-1])
        return (share - 1) * each[..., None, None], None, None
