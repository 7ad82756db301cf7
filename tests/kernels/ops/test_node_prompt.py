"""Prompts: fast forms against written-out ones, ranks and scales of the readings of Eq. 5."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.kernels import node_prompt, node_prompt_naive
from stflow_lib.kernels.ops.node_prompt import MODES, bank_init_std


def draw(mode, b=2, n=3, t=4, c=5, k=6, seed=0):
    random = torch.Generator().manual_seed(seed)
    shape = (k, c, c) if mode == "code" else (k, t, c)
    z = torch.randn(b, n, t, c, generator=random, dtype=torch.float64)
    return z, torch.randn(shape, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("mode", MODES)
@given(sizes=st.tuples(*[st.integers(1, 4)] * 5), seed=st.integers(0, 20))
def test_fast_is_naive(mode, sizes, seed):
    """Order of contraction changes rounding and nothing else."""
    z, bank = draw(mode, *sizes, seed=seed)
    torch.testing.assert_close(node_prompt(z, bank, mode), node_prompt_naive(z, bank, mode))


@pytest.mark.parametrize("mode", MODES)
def test_gradients(mode):
    z, bank = (x.requires_grad_() for x in draw(mode, 1, 2, 3, 2, 2))
    assert torch.autograd.gradcheck(lambda z, bank: node_prompt(z, bank, mode), (z, bank))


def test_more_patterns_than_rank_add_nothing():
    """As printed, K patterns act as one matrix: T C rows of a bank replace any larger one."""
    z, bank = draw("gram", k=20)
    rows = bank.flatten(0, 1)
    root = torch.linalg.cholesky(rows.T @ rows).T  # C rows with the same products
    few = torch.cat([root, root.new_zeros(3, 5)]).view(2, 4, 5)
    torch.testing.assert_close(node_prompt(z, few), node_prompt(z, bank))


def test_a_pattern_that_fits_best_is_the_prompt():
    """With scores far apart the prose reading picks one pattern."""
    _, bank = draw("pattern_softmax")
    z = 1e3 * bank[None, [4, 1]]
    torch.testing.assert_close(node_prompt(z, bank, "pattern_softmax"), bank[None, [4, 1]])


@pytest.mark.parametrize("mode", ["gram", "code"])
@pytest.mark.parametrize("k", [10, 100])
def test_prompts_start_at_the_scale_of_the_speed(mode, k):
    """Else a bank of 150 patterns starts 12 or 165 times too loud."""
    z, bank = draw(mode, 4, 8, 12, 128, k)
    got = node_prompt(z, bank * bank_init_std(k, 12, 128, mode), mode).std().item()
    assert 0.5 < got < 2.5


def test_wrong_banks_are_errors():
    z, bank = draw("gram")
    with pytest.raises(ValueError, match="mode 'sum'"):
        node_prompt(z, bank, "sum")
    with pytest.raises(ValueError, match=r"code wants patterns of \(5, 5\)"):
        node_prompt(z, bank, "code")
