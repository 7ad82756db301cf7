"""Masked sums: the naive twin, gaps that hold anything, shapes of any kind."""

import pytest
import torch
from jaxtyping import TypeCheckError

from stflow_lib.kernels import masked_error


def draw(shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    guess, truth = (torch.randn(shape, generator=random) for _ in range(2))
    return guess, truth, torch.rand(shape, generator=random) > 0.3


def test_a_gap_may_hold_anything():
    """NaN in truth or prediction under a gap leaves no trace."""
    guess, truth, mask = draw((3, 5, 4))
    want = masked_error(guess, truth, mask)
    holes = torch.where(mask, truth, float("nan"))
    spoilt = torch.where(mask, guess, float("inf"))
    assert torch.equal(masked_error(spoilt, holes, mask), want)


def test_by_hand():
    guess = torch.tensor([[1.0, 2], [3, 4]])
    mask = torch.tensor([[True, False], [True, True]])
    assert masked_error(guess, torch.zeros(2, 2), mask).tolist() == [[4, 4], [10, 16], [2, 1]]


def test_nothing_measured_adds_nothing():
    guess, truth, mask = draw((2, 3, 4))
    assert not masked_error(guess, truth, mask & False).any()


def test_other_shapes_are_an_error():
    guess, truth, mask = draw((2, 3, 4))
    with pytest.raises((ValueError, TypeCheckError), match=r"truth"):
        masked_error(guess, truth[..., :3], mask)
