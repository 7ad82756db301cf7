"""The kernels of `conserve`: several programs a row, their gradient, and the largest block."""

import pytest
import torch

pytest.importorskip("triton")

from stflow_lib.kernels.ops.conserve import conserve_naive
from stflow_lib.kernels.triton_ops import conserve


def draw(rows, columns, factor):
    random = torch.Generator().manual_seed(0)
    shape = (1, 1, rows * factor, columns * factor)
    score = torch.rand(shape, generator=random, dtype=torch.float64)
    return score, torch.rand(1, 1, rows, columns, generator=random, dtype=torch.float64)


@pytest.mark.parametrize(("columns", "factor"), [(513, 2), (129, 3), (3, 33)])
def test_blocks_beyond_the_first_program_have_their_own_counts(columns, factor):
    """512 blocks of four cells are one program's: the next one once began at
    the first again."""
    score, coarse = draw(2, columns, factor)
    score, coarse = score.requires_grad_(), coarse.requires_grad_()
    fine, want = (f(score, coarse, factor, 1e-5) for f in (conserve.apply, conserve_naive))
    torch.testing.assert_close(fine, want)
    upstream = torch.rand_like(want)
    for got, right in zip(*(torch.autograd.grad(y, (score, coarse), upstream)
                            for y in (fine, want)), strict=True):  # fmt: skip
        torch.testing.assert_close(got, right)


def test_the_gradient_is_the_formula_of_the_page():
    """A cell that takes more leaves less to the others: the second term of d score."""
    score, coarse = draw(1, 2, 2)
    g = torch.arange(8.0, dtype=torch.float64).view_as(score)
    d_score, d_coarse = conserve.split_backward(g, score, coarse, 2, 0.0)
    for block in range(2):
        part = (0, 0, slice(None), slice(2 * block, 2 * block + 2))
        share = (g[part] * score[part]).sum() / score[part].sum()
        torch.testing.assert_close(d_coarse[0, 0, 0, block], share)
        rate = coarse[0, 0, 0, block] / score[part].sum()
        torch.testing.assert_close(d_score[part], (g[part] - share) * rate)


def test_a_block_of_64_fits_and_one_of_65_is_refused():
    """A program holds one block; the limit is said before a kernel starts."""
    assert conserve.unsupported(*draw(1, 1, 2), 64, 1e-5) is None
    assert conserve.unsupported(*draw(1, 1, 2), 65, 1e-5) == "factor 65 is above 64"
