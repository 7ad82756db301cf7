"""Errors of flow maps: values by hand, pooled over batches, never over a NaN."""

import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.training.metrics import FlowErrors, flow_errors


def test_values_by_hand():
    """Errors 1, 2, 0, 4 on truths 2, 0, 5, 8: the zero divides by one, nothing is masked."""
    got = flow_errors(torch.tensor([3.0, 2.0, 5.0, 4.0]), torch.tensor([2.0, 0.0, 5.0, 8.0]))
    assert got["rmse"] == pytest.approx((21 / 4) ** 0.5, rel=1e-12)
    assert got["mae"] == pytest.approx(7 / 4, rel=1e-12)
    assert got["mape"] == pytest.approx((1 / 2 + 2 / 1 + 0 + 4 / 8) / 4, rel=1e-12)


def test_mape_on_empty_cells_only_is_the_mean_prediction():
    """Masking zeros, or 0 / 0, would give NaN; adding one everywhere would give 0 of [1, 0]."""
    assert flow_errors(torch.tensor([1.0, 0.0]), torch.zeros(2))["mape"] == 0.5


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 1000))
def test_batches_of_unequal_size_pool_to_one_go(lengths, seed):
    """A mean of batch RMSEs, or of batch means, weighs the last short batch too much."""
    random = torch.Generator().manual_seed(seed)
    truth = torch.poisson(torch.rand(sum(lengths), 1, 4, 4, generator=random) * 5)
    guess = truth + torch.randn(truth.shape, generator=random)
    pool = FlowErrors()
    for batch in zip(guess.split(lengths), truth.split(lengths), strict=True):
        pool.add(*batch)
    assert pool.result() == pytest.approx(flow_errors(guess, truth), rel=1e-12)


def test_sums_of_many_large_cells_do_not_round():
    """In single precision a sum of 2^25 ones and more stands still."""
    truth = torch.full((200_000,), 1e4)
    guess = truth + torch.arange(200_000) % 2
    assert flow_errors(guess, truth)["mae"] == 0.5


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_prediction_that_is_no_number_is_an_error_that_says_where(bad):
    guess = torch.zeros(2, 1, 3, 3)
    guess[1, 0, 2, 1] = bad
    pool = FlowErrors()
    with pytest.raises(ValueError, match=r"not finite at index \[1, 0, 2, 1\]"):
        pool.add(guess, torch.zeros(2, 1, 3, 3))
    assert pool.count == 0


def test_shapes_must_agree():
    """[4, 1] against [4] would broadcast to sixteen errors; so, too, without annotations."""
    add = inspect.unwrap(FlowErrors.add)
    with pytest.raises(ValueError, match=r"prediction \(4, 1\), truth \(4,\)"):
        add(FlowErrors(), torch.zeros(4, 1), torch.zeros(4))


def test_nothing_added_is_an_error():
    with pytest.raises(ValueError, match="no cell"):
        FlowErrors().result()


def test_inputs_are_not_edited():
    """The zero rule must not write ones into the truth."""
    guess, truth = torch.rand(3, 4).double(), torch.zeros(3, 4).double()
    kept = guess.clone(), truth.clone()
    flow_errors(guess, truth)
    assert torch.equal(guess, kept[0]) and torch.equal(truth, kept[1])


def test_two_pools_do_not_share_their_sums():
    FlowErrors().add(torch.ones(2), torch.zeros(2))
    assert FlowErrors().sums == {"squared": 0, "abs": 0, "rel": 0}


@pytest.mark.parametrize("factor", [2, 4])
@given(seed=st.integers(0, 1000), busy=st.floats(0.01, 1))
def test_the_mean_split_errs_at_most_by_its_bound(factor, seed, busy):
    """MAE of a mean split <= 2 (1 - 1 / M^2) x mean flow, reached with one busy cell a block."""
    random = torch.Generator().manual_seed(seed)
    fine = torch.poisson(torch.rand(3, 1, 8, 8, generator=random) * 6)
    fine *= torch.rand(fine.shape, generator=random) < busy
    bound = 2 * (1 - 1 / factor**2)
    assert _mean_split_mae(fine, factor) <= bound * fine.double().mean().item() + 1e-9
    fine[:] = 0
    fine[..., ::factor, ::factor] = 7
    assert _mean_split_mae(fine, factor) == pytest.approx(bound * fine.double().mean().item())


def _mean_split_mae(fine, factor):
    mean = torch.nn.functional.avg_pool2d(fine, factor)
    split = mean.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return flow_errors(split, fine)["mae"]
