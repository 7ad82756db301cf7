"""The target-skewed step: the printed form, and what it promises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.kernels import skewed_direction, skewed_direction_naive

SHAPES = [(3, 4), (5,), (), (2, 1, 3), (0,)]


def draw(seed=0, shapes=SHAPES):
    random = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(s, generator=random, dtype=torch.float64) for s in shapes]
        for _ in range(2)
    ]


def inner(one, other):
    return [(a * b).sum().item() for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("granularity", ["tensor", "global", (0, 0, 1, 1, 2)])
@given(seed=st.integers(0, 200))
def test_closed_form_is_the_printed_one(granularity, seed):
    t, s = draw(seed)
    for got, want in zip(
        skewed_direction(t, s, 0.2, 0.001, granularity),
        skewed_direction_naive(t, s, 0.2, 0.001, granularity),
        strict=True,
    ):
        torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-14)


@given(seed=st.integers(0, 200))
def test_the_source_never_opposes_the_target(seed):
    """Of the source alone: no negative inner product with either gradient, none longer."""
    t, s = draw(seed)
    u = skewed_direction(t, s, 0.0, 1.0)
    assert min(inner(u, t)) >= -1e-12 and min(inner(u, s)) >= -1e-12
    products = (inner(u, u), inner(s, s), inner(u, t), inner(s, t))
    for uu, ss, ut, st_ in zip(*products, strict=True):
        assert uu <= ss + 1e-12 and ut == pytest.approx(max(0.0, st_), abs=1e-12)


def test_agreeing_gradients_are_added():
    """Nothing is taken off where the source helps."""
    t, s = [torch.tensor([1.0, 2])], [torch.tensor([3.0, -1])]
    assert skewed_direction(t, s, 0.5, 2.0)[0].tolist() == [6.5, -1]


def test_a_global_component_may_keep_what_a_tensor_drops():
    """The authors' code and the paper differ where components disagree."""
    t, s = [torch.ones(1), torch.ones(1)], [torch.full((1,), 3.0), torch.full((1,), -1.0)]
    assert [g.item() for g in skewed_direction(t, s, 0.0, 1.0)] == [3, 0]
    assert [g.item() for g in skewed_direction(t, s, 0.0, 1.0, "global")] == [3, -1]


def test_no_target_direction_keeps_the_source():
    """A gradient of zeros must not divide."""
    t, s = [torch.zeros(3)], [torch.ones(3)]
    assert torch.equal(skewed_direction(t, s, 1.0, 1.0)[0], s[0])
    assert skewed_direction([], [], 1.0, 1.0) == []


def test_lists_that_do_not_match_are_errors():
    t, s = draw()
    with pytest.raises(ValueError, match="source gradients"):
        skewed_direction(t, s[:-1], 1.0, 1.0)
    for wrong in ("layer", (0, 1)):
        with pytest.raises(ValueError, match="want tensor, global or 5"):
            skewed_direction(t, s, 1.0, 1.0, wrong)
