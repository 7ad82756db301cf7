"""Intervals by held-out errors: exact ranks, coverage on exchangeable data, no gap at the edges."""

import math

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.training.conformal import BINS, LEAST, Bands, bounds_in_units


def test_bounds_are_order_statistics_of_the_errors():
    """99 errors 1 ... 99: the 5 % and 95 % levels are the 5th and the 95th of them."""
    errors = torch.randperm(99, generator=torch.Generator().manual_seed(0)) + 1.0
    lower, upper = Bands.of(torch.zeros(99), errors).bounds(torch.tensor([10.0]), (0.05, 0.95))
    assert (lower.item(), upper.item()) == (15, 105)


def test_ranks_are_rounded_outwards():
    """Of 30 errors the 5 % level is rank 1.55 -> 1, and the 95 % level rank 29.45 -> 30."""
    bands = Bands.of(torch.zeros(30), torch.arange(30.0))
    assert [b.item() for b in bands.bounds(torch.zeros(1), (0.05, 0.95))] == [0, 29]


def test_levels_between_two_known_ones_take_the_outer():
    bands = Bands.of(torch.zeros(199), torch.arange(1.0, 200))
    assert [b.item() for b in bands.bounds(torch.zeros(1), (0.052, 0.948))] == [10, 190]
    assert [b.item() for b in bands.bounds(torch.zeros(1), (0.055, 0.945))] == [11, 189]


def test_coverage_on_exchangeable_counts():
    """Poisson counts whose mean is predicted: at least 90 %, in quiet cells and in busy ones."""
    random = torch.Generator().manual_seed(3)
    mean = torch.empty(2, 20_000).exponential_(generator=random) * 20
    held, new = torch.poisson(mean, generator=random)
    lower, upper = Bands.of(mean[0], held).bounds(mean[1], (0.05, 0.95))
    inside = (lower <= new) & (new <= upper)
    noise = 3 * math.sqrt(0.09 / 5000)
    for part in (mean[1] < 5, mean[1] > 30, mean[1] > 0):
        assert 0.9 - noise <= inside[part].double().mean() < 0.95


def test_busy_cells_are_covered_where_nearly_all_are_quiet():
    """Nine of ten predictions are 0, as in a city of fine cells: the busiest hundredth held 58 %,
    with errors of cells of two trips an hour for bands."""
    random = torch.Generator().manual_seed(5)
    mean = (torch.rand(2, 100_000, generator=random) > 0.9) * torch.exp(
        2 * torch.randn(2, 100_000, generator=random)
    )
    held, new = torch.poisson(mean, generator=random)
    bands = Bands.of(mean[0], held)
    lower, upper = bands.bounds(mean[1], (0.05, 0.95))
    inside = ((lower <= new) & (new <= upper)).double()
    for least, most in ((3, 10), (10, 30), (30, math.inf)):
        part = (mean[1] >= least) & (mean[1] < most)
        assert 0.85 < inside[part].mean() < 0.96, least
    counts = torch.bucketize(mean[0].double(), bands.edges, right=True).bincount()
    assert counts.min() >= LEAST


def test_errors_grow_with_predictions_larger_than_any_held_out_one():
    """Counts with errors in proportion, after a quiet time: 90 % intervals of four times as many.

    With the errors of the quiet time they hold a third of them.
    """
    random = torch.Generator().manual_seed(0)

    def drawn(scale):
        guess = scale * torch.rand(20_000, generator=random)
        noise = torch.randn(20_000, generator=random)
        return guess, guess * (1 + 0.4 * noise)

    quiet, busy = drawn(10.0), drawn(40.0)
    inside = []
    for grow in (True, False):
        lower, upper = Bands.of(*quiet, grow=grow).bounds(busy[0], (0.05, 0.95))
        held = (lower <= busy[1]) & (busy[1] <= upper)
        inside.append(held[busy[0] > 20].double().mean().item())
    assert 0.88 < inside[0] < 0.93 and inside[1] < 0.55


def test_what_does_not_grow_keeps_its_errors():
    """Speeds are told in units of their own, where a large one is no reason for large errors."""
    guess = torch.linspace(1, 10, 500)
    one = Bands.of(guess, guess + 1)
    assert torch.allclose(
        one.bounds(torch.tensor([1000.0]), (0.1, 0.9))[1], torch.tensor(1001.0)
    )
    assert Bands(one.edges, one.below, one.above).arrays().keys() == one.arrays().keys()


def test_a_bound_of_zero_cannot_be_missed():
    """Of rare counts even the intervals of their own law hold more than nine tenths."""
    random = torch.Generator().manual_seed(7)
    held, new = torch.poisson(torch.full((2, 20_000), 0.3), generator=random)
    lower, upper = Bands.of(torch.zeros(20_000), held).bounds(torch.zeros(1), (0.05, 0.95))
    assert (lower.item(), upper.item()) == (0, 1)
    law = math.exp(-0.3) * (1 + 0.3)  # P(0) + P(1)
    assert ((new >= 0) & (new <= 1)).double().mean() == pytest.approx(
        law, abs=0.005
    ) and law > 0.95


def test_width_follows_the_size_of_the_prediction():
    """Errors are ten times as large for large predictions: one band for all would hide that."""
    guess = torch.cat([torch.zeros(LEAST), torch.full((LEAST,), 100.0)])
    truth = guess + torch.linspace(-1, 1, LEAST).repeat(2) * (1 + 9 * (guess > 0))
    lower, upper = Bands.of(guess, truth).bounds(torch.tensor([0.0, 100.0]), (0.05, 0.95))
    width = upper - lower
    assert torch.allclose(width[1], 10 * width[0], rtol=1e-5)


def test_no_bin_is_empty_where_most_predictions_are_equal():
    guess = torch.zeros(BINS * LEAST)
    guess[-5:] = torch.arange(1.0, 6)
    bands = Bands.of(guess, guess + 1)
    assert bands.below.isfinite().all()
    assert bands.bounds(torch.tensor([0.0, 9.0]), (0.1, 0.9))[0].tolist() == [1, 10]


def test_a_file_keeps_them():
    bands = Bands.of(torch.rand(500), torch.rand(500))
    again = Bands(**bands.arrays())
    assert torch.equal(again.above, bands.above) and torch.equal(again.edges, bands.edges)
    assert torch.equal(bands.wider(2).below, 2 * bands.below)


@pytest.mark.parametrize("levels", [(0.9, 0.1), (0.0, 0.9), (0.1, 1.0), (0.5,)])
def test_wrong_levels(levels):
    with pytest.raises(DataError, match="levels"):
        Bands.of(torch.zeros(3), torch.zeros(3)).bounds(torch.zeros(1), levels)


def test_nothing_to_calibrate_by():
    with pytest.raises(DataError, match="no held-out prediction"):
        Bands.of(torch.zeros(0), torch.zeros(0))


def test_errors_are_put_around_predictions_in_their_units():
    """Held-out errors of one to nine of their units, whatever the unit."""
    usual, unit = torch.rand(99) * 5, 1 + torch.rand(99)
    held = (usual, usual + (torch.arange(99) % 9 + 1) * unit, unit)
    guess, own = torch.rand(4, 3) * 5, 1 + torch.rand(4, 3)
    lower, upper = bounds_in_units(held, guess, own, (0.05, 0.95))
    assert torch.allclose(lower, guess + own, atol=1e-5)
    assert torch.allclose(upper, guess + 9 * own, atol=1e-5)
