"""The split of a coarse count over its block: paper's form = fast form, nothing
lost, no surprises."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from stflow_lib.kernels import conserve, conserve_naive

EPS = 1e-5
sizes = st.integers(1, 5)


def draw(batch, rows, cols, factor, seed=0, dtype=torch.float64):
    """Scores as a ReLU leaves them (many exact zeros) and whole vehicles."""
    random = torch.Generator().manual_seed(seed)
    shape = (batch, 1, rows * factor, cols * factor)
    score = torch.randn(shape, generator=random, dtype=dtype).relu()
    return score, torch.randint(0, 50, (batch, 1, rows, cols), generator=random).to(dtype)


def block_sum(fine, factor):
    """The plain loop: one block at a time."""
    rows, cols = fine.shape[2] // factor, fine.shape[3] // factor
    sums = fine.new_zeros(len(fine), 1, rows, cols)
    for r in range(rows):
        for c in range(cols):
            block = fine[..., r * factor : (r + 1) * factor, c * factor : (c + 1) * factor]
            sums[..., r, c] = block.sum((2, 3))
    return sums


@pytest.mark.parametrize("form", [conserve, conserve_naive])
@given(sizes, sizes, sizes, st.integers(0, 1000))
def test_block_sums_are_the_coarse_count_up_to_eps(form, rows, cols, factor, seed):
    """The block sum is X S / (S + eps), which is X to 1e-5 for scores of the order of one."""
    score, coarse = draw(2, rows, cols, factor, seed)
    total = block_sum(score, factor)
    torch.testing.assert_close(
        block_sum(form(score, coarse, factor), factor), coarse * total / (total + EPS)
    )


def test_a_block_by_hand():
    """Scores 1, 3, 0, 0 and 12 vehicles: 3, 9, 0, 0."""
    score = torch.tensor([[1.0, 3.0], [0.0, 0.0]])[None, None]
    fine = conserve(score, torch.full((1, 1, 1, 1), 12.0), 2, eps=0.0)
    assert fine[0, 0].tolist() == [[3.0, 9.0], [0.0, 0.0]]


def test_a_dead_block_loses_its_mass_and_its_neighbour_does_not():
    score, coarse = torch.ones(1, 1, 2, 4), torch.full((1, 1, 1, 2), 8.0)
    score[..., :2] = 0
    sums = block_sum(conserve(score, coarse, 2), 2).flatten()
    assert sums[0] == 0 and sums[1] == pytest.approx(8, rel=1e-5)


def test_channels_last_scores_give_the_same_bits():
    """Networks hand over channels-last tensors; a wrong stride assumption scrambles cells."""
    score, coarse = draw(3, 4, 5, 2, dtype=torch.float32)
    other = score.to(memory_format=torch.channels_last)
    assert torch.equal(conserve(other, coarse, 2), conserve(score, coarse, 2))


@pytest.mark.parametrize("shape", [(2, 1, 8, 9), (2, 1, 9, 8), (1, 1, 8, 8), (2, 2, 8, 8)])
def test_a_score_of_another_size_is_an_error(shape):
    """(1, 1, 8, 8) would otherwise broadcast, (2, 1, 8, 9) be cut."""
    with pytest.raises((ValueError, TypeCheckError), match=r"is not 4 times coarse|score"):
        conserve(torch.ones(shape), torch.ones(2, 1, 2, 2), 4)
