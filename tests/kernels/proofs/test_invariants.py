"""Every promise notices an operation that breaks it, one plausible mistake for each."""

import pytest
import torch

from stflow_lib import kernels
from stflow_lib.kernels import backend
from stflow_lib.kernels.proofs import invariants
from stflow_lib.kernels.proofs.cases import CASES, cast


def near_and_far_swapped(maps, k):
    near, near_index, far, far_index = kernels.nearest_and_farthest_naive(maps, k)
    return far, far_index, near, near_index


def with_own_number(maps, k):
    near, near_index, far, far_index = kernels.nearest_and_farthest_naive(maps, k)
    return near, near_index.clamp_min(1), far, far_index


def transposed(score, coarse, factor, eps):
    columns = coarse.roll(1, 3)
    return kernels.conserve_naive(score, columns, factor, eps)


def not_skewed(target, source, target_weight, source_weight, granularity="tensor"):
    return [target_weight * t + source_weight * s for t, s in zip(target, source, strict=True)]


def by_values(features, similarity, temperature=1.0):
    loss = kernels.rank_contrast_naive(features, similarity, temperature)
    return loss + 1e-3 * similarity.mean()


def without_itself(embedding, bandwidth):
    density = kernels.pattern_density_naive(embedding, bandwidth).exp()
    return (density - 1 / len(embedding)).clamp_min(1e-9).log()


def with_a_softmax(z, bank, mode):
    return kernels.node_prompt_naive(z, bank, "pattern_softmax")


def multiplied_by_the_mask(prediction, truth, mask):
    error = ((prediction - truth) * mask).double().flatten(0, -2)
    counts = mask.flatten(0, -2).sum(0).double()
    return torch.stack([error.abs().sum(0), error.square().sum(0), counts])


MISTAKES = [
    ("conserve", transposed), ("rank_contrast", by_values), ("pattern_density", without_itself),
    ("nearest_and_farthest", near_and_far_swapped), ("nearest_and_farthest", with_own_number),
    ("skewed_direction", not_skewed), ("node_prompt", with_a_softmax),
    ("masked_error", multiplied_by_the_mask),
]  # fmt: skip


@pytest.mark.parametrize(("name", "broken"), MISTAKES)
def test_a_broken_promise_is_an_error(monkeypatch, name, broken):
    """A promise that holds for anything of the right shape would prove nothing on a card."""
    case = CASES[name]
    largest = tuple(max(high, 2) for _, high in case.ranges)
    args = cast(case.arguments(largest), torch.float32)
    with backend("naive"):
        getattr(invariants, name)(*args)
    monkeypatch.setattr(kernels, name, broken)
    with pytest.raises(AssertionError):
        getattr(invariants, name)(*args)


def test_a_loud_window_must_stay_between_its_patterns(monkeypatch):
    """e^60 is a number in float32, e^120 is not: a softmax without its largest score off."""

    def unshifted(z, bank, mode):
        score = (z.flatten(2) @ bank.flatten(1).T / z[0, 0].numel() ** 0.5 * 2).exp()
        return (score / score.sum(2, keepdim=True) @ bank.flatten(1)).view_as(z)

    case = CASES["node_prompt_pattern"]
    args = cast(case.arguments((2, 3, 3, 5, 3)), torch.float32)
    monkeypatch.setattr(kernels, "node_prompt", unshifted)
    with pytest.raises(AssertionError):
        invariants.node_prompt(*args)


def test_every_operation_has_a_promise():
    """An operation without one would be timed on a card on shapes and precision alone."""
    for case in CASES.values():
        assert getattr(invariants, case.name).__doc__.splitlines()[0].endswith((".", ","))
