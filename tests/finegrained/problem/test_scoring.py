"""Errors pooled over the test part, and what a constraint lost."""

import pytest
import torch

from stflow_lib.finegrained import make_task, score
from stflow_lib.finegrained.problem.scoring import block_losses

TWO = ("pickup", "dropoff")


def test_score_pools_directions_and_batches(make_city):
    """Per direction by hand; two directions of unequal size of error."""
    task = make_task(make_city(steps=20, directions=TWO), 2)
    got = score(task, lambda t, i: t.fine[i] + 1.0 + (i % 2 * 2)[:, None, None, None], batch=3)
    assert got["parts"]["pickup_mae"] == 1 and got["parts"]["dropoff_mae"] == 3
    assert got["metrics"]["mae"] == 2 and got["metrics"]["rmse"] == pytest.approx(5**0.5)
    assert score(make_task(make_city(), 2), lambda t, i: t.fine[i])["parts"] == {}


def test_block_losses_by_hand():
    """One block each: kept but uneven, half lost, equal shares, nothing at all, empty."""
    coarse = torch.tensor([8.0, 8, 8, 8, 0]).reshape(1, 1, 1, 5)
    top = [[2, 4, 0, 4, 2, 2, 0, 0, 0, 0], [1, 1, 0, 0, 2, 2, 0, 0, 0, 0]]
    fine = torch.tensor(top, dtype=torch.float32)[None, None]
    assert block_losses(fine, coarse, 2) == (0.5, 2, 4)
    assert block_losses(fine[..., :2], coarse[..., :1], 2) == (0.0, 0, 1)


def test_a_perfect_forecast_has_no_error_and_loses_nothing(task):
    """MAPE divides by one where nothing came; the constraint holds to the last vehicle."""
    metrics = score(task, lambda t, i: t.fine[i])["metrics"]
    assert metrics["rmse"] == metrics["mae"] == metrics["mape"] == 0
    assert metrics["conservation"] == 0


def test_only_the_test_part_is_scored(task):
    """Errors on maps that a method trained on would flatter it."""
    seen = []
    score(task, lambda t, i: seen.append(i) or t.fine[i], batch=5)
    assert torch.equal(torch.cat(seen), task.test)
