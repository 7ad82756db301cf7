"""The kernels of `masked_error`: every row is some program's, once, and sums are float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("triton")

from stflow_lib.kernels.ops.masked_error import masked_error_naive
from stflow_lib.kernels.triton_ops import masked_error


@given(st.integers(0, 3_000_000), st.integers(1, 4096))
def test_programs_share_the_rows_without_rest(rows, ahead):
    """The last program may end behind the last row, none may begin there; 512 at most."""
    count, tile, steps, programs = masked_error._plan(torch.empty(rows, ahead, device="meta"))
    assert count == rows and programs <= masked_error.PROGRAMS
    assert (programs - 1) * tile * steps < max(rows, 1) <= max(programs, 1) * tile * steps


def test_sums_over_more_than_one_program_and_tile():
    """3000 rows of one step are three tiles; a program that adds up another's
    rows doubles them."""
    random = torch.Generator().manual_seed(0)
    guess, truth = (torch.randn(3000, 1, generator=random) for _ in range(2))
    seen = torch.rand(3000, 1, generator=random) > 0.3
    got = masked_error.apply(guess, truth, seen)
    assert got.dtype == torch.float64 and got[2].item() == seen.sum()
    torch.testing.assert_close(got, masked_error_naive(guess, truth, seen))


def test_the_gradient_of_the_truth_is_the_negative():
    """Where nothing was measured both are zero, whatever stands there."""
    guess, truth = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, torch.nan]])
    seen = torch.tensor([[True, False]])
    upstream = torch.tensor([[1.0, 1], [0.5, 0.5], [0, 0]], dtype=torch.float64)
    d_guess, d_truth = masked_error.errors_backward(upstream, guess, truth, seen)
    assert d_guess.tolist() == [[-1 + 2 * 0.5 * -2, 0]] and d_truth.tolist() == [[3, 0]]


def test_too_many_steps_are_refused():
    """A program holds all steps of a row."""
    ok, wide = (torch.empty(1, n, device="meta") for n in (4096, 4097))
    assert masked_error.unsupported(ok, ok, ok > 0) is None
    assert "4097 steps ahead" in masked_error.unsupported(wide, wide, wide > 0)
