"""What each operation promises exactly, in every form; a broken promise is an AssertionError.

Each function takes the arguments of its case and asks the operation under the present setting.
"""

import math

import torch
from torch import Tensor

from stflow_lib import kernels


def conserve(score: Tensor, coarse: Tensor, factor: int, eps: float) -> None:
    """Blocks add up to the coarse map where they are alive, and are zero where they are not."""
    fine = kernels.conserve(score, coarse, factor, eps)
    rows, columns = coarse.shape[2:]
    for r in range(rows):
        for c in range(columns):
            block = (
                ...,
                slice(r * factor, (r + 1) * factor),
                slice(c * factor, (c + 1) * factor),
            )
            total = score[block].sum((2, 3))
            want = coarse[..., r, c] * total / (total + eps)
            torch.testing.assert_close(fine[block].sum((2, 3)), want)


def rank_contrast(features: Tensor, similarity: Tensor, temperature: float) -> None:
    """Only the order of similarity counts; equal features cost what counting says."""
    loss = kernels.rank_contrast(features, similarity, temperature)
    assert torch.equal(loss, kernels.rank_contrast(features, similarity.exp(), temperature))
    count, alike = len(features), torch.ones_like(features)
    tied = kernels.rank_contrast(alike, torch.zeros_like(similarity))
    assert math.isclose(tied.item(), math.log(count - 1), rel_tol=1e-5)
    ranks = torch.rand_like(similarity).argsort(1).to(similarity)
    ranked = kernels.rank_contrast(alike, ranks).item()
    assert math.isclose(ranked, math.lgamma(count) / (count - 1), rel_tol=1e-5)


def pattern_density(embedding: Tensor, bandwidth: float) -> None:
    """Weights average 1; all alike have density 1, a stranger among them 1 / R."""
    count = len(embedding)
    weights = kernels.density_weights(kernels.pattern_density(embedding, bandwidth))
    assert math.isclose(weights.mean().item(), 1, rel_tol=1e-5)
    alike = torch.zeros_like(embedding)
    assert not kernels.pattern_density(alike, bandwidth).any()
    alike[count // 2] = 1e3
    lonely = kernels.pattern_density(alike, bandwidth)[count // 2].item()
    assert math.isclose(lonely, -math.log(count), rel_tol=1e-5)


def nearest_and_farthest(maps: Tensor, k: int) -> None:
    """Brute force, in whole numbers, ties to the lower number."""
    near, near_index, far, far_index = (
        x.tolist() for x in kernels.nearest_and_farthest(maps, k)
    )
    rows = [[int(x) for x in row] for row in maps.tolist()]
    for i, this in enumerate(rows):
        squares = [(sum((a - b) ** 2 for a, b in zip(this, other, strict=True)), j)
                   for j, other in enumerate(rows) if j != i]  # fmt: skip
        closest = sorted(squares)[:k]
        farthest = sorted(squares, key=lambda pair: (-pair[0], pair[1]))[:k]
        assert near_index[i] == [j for _, j in closest], i
        assert far_index[i] == [j for _, j in farthest], i
        roots = [math.sqrt(s) for s, _ in closest + farthest]
        got = near[i] + far[i]
        assert all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(got, roots, strict=True)), i


def skewed_direction(target, source, target_weight, source_weight, groups) -> None:
    """What is left of the source never opposes the target, in any component."""
    for granularity in ("tensor", "global", groups):
        left = kernels.skewed_direction(target, source, 0.0, 1.0, granularity)
        owners = _owners(granularity, len(target))
        for group in set(owners):
            mine = [i for i, owner in enumerate(owners) if owner == group]
            inner = sum((left[i] * target[i]).sum().item() for i in mine)
            size = sum((source[i] * target[i]).abs().sum().item() for i in mine)
            assert inner >= -1e-5 * size, (granularity, group, inner)


def node_prompt(z: Tensor, bank: Tensor, mode: str) -> None:
    """The printed prompt is linear in z, to the bit for powers of two; zeros get zeros.

    With a softmax over patterns an empty window gets their mean, equal ones are the prompt,
    and it stays between them where exponentials are large: 60 in float32, twice that
    overflows.
    """
    prompt = kernels.node_prompt(z, bank, mode)
    unseen = kernels.node_prompt(torch.zeros_like(z), bank, mode)
    if mode == "pattern_softmax":
        alike = kernels.node_prompt(z, bank[:1].expand_as(bank), mode)
        torch.testing.assert_close(unseen, bank.mean(0).expand_as(z))
        torch.testing.assert_close(alike, bank[0].expand_as(z))
        score = z.flatten(2) @ bank.flatten(1).T / z[0, 0].numel() ** 0.5
        loud = kernels.node_prompt(z * 60 / score.max(), bank, mode)
        assert ((loud >= bank.amin(0) - 1e-5) & (loud <= bank.amax(0) + 1e-5)).all()
    else:
        assert torch.equal(kernels.node_prompt(4 * z, bank, mode), 4 * prompt)
        assert not unseen.any()


def masked_error(prediction: Tensor, truth: Tensor, mask: Tensor) -> None:
    """Counts are whole; what stands in a gap leaves no trace; equal maps have no error."""
    sums = kernels.masked_error(prediction, truth, mask)
    assert torch.equal(sums[2], mask.flatten(0, -2).sum(0).double())
    spoilt = [torch.where(mask, x, torch.nan) for x in (prediction, truth)]
    assert torch.equal(kernels.masked_error(*spoilt, mask), sums)
    assert not kernels.masked_error(truth, truth, mask)[:2].any()


def _owners(granularity, count: int) -> list[int]:
    if granularity == "tensor":
        return [*range(count)]
    return [0] * count if granularity == "global" else list(granularity)
