"""The noise floor: what known rates still get wrong, by hand and by drawing."""

import pytest
import torch

from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.problem.noise_floor import poisson_floor, split_floor


def test_by_hand():
    """Rates 1, 3, 4, 8 have the mean 4; 8 vehicles on four equal cells vary by 8 / 4 * 3 / 4."""
    assert poisson_floor(torch.tensor([1.0, 3.0, 4.0, 8.0])) == 2.0
    assert split_floor(torch.full((1, 1, 2, 2), 2.0), 2) == pytest.approx(1.5**0.5)


def test_a_block_in_one_cell_has_no_floor():
    """Whoever knows the block's sum knows the cell; empty blocks have nothing to get wrong."""
    fine = torch.zeros(1, 1, 4, 4)
    fine[0, 0, 0, 1] = 9.0
    assert split_floor(fine, 2) == 0.0


def test_negative_rates_are_refused():
    """The root of a negative mean would be NaN, which every comparison passes by."""
    with pytest.raises(ValueError, match="rate of -1 is negative"):
        poisson_floor(torch.tensor([5.0, -1.0]))


@pytest.mark.parametrize("factor", [2, 4])
def test_drawn_counts_meet_both_floors(factor):
    """True rates against counts, and true shares of known sums against the same counts."""
    random = torch.Generator().manual_seed(0)
    rates = (6 * torch.rand(1, 1, 8, 8, generator=random, dtype=torch.float64)).expand(
        20_000, 1, 8, 8
    )
    counts = torch.poisson(rates, generator=random)
    pool = torch.nn.functional.avg_pool2d
    known = rates * upsample_nearest(pool(counts, factor) / pool(rates, factor), factor)
    rmse = [(truth - counts).square().mean().sqrt().item() for truth in (rates, known)]
    assert rmse[0] == pytest.approx(poisson_floor(rates), rel=0.005)
    assert rmse[1] == pytest.approx(split_floor(known, factor), rel=0.005)
    assert rmse[1] < 0.98 * rmse[0]
