"""The price of an interval: by hand, and least for the true quantiles."""

import pytest
import torch

from stflow_lib.training.interval_score import Outcome, interval_score


def test_scores_by_hand():
    """Width 4; one unit below costs 1 / 0.1, two above 2 / 0.25."""
    truth = torch.tensor([5.0, 2.0, 9.0])
    lower, upper = torch.full((3,), 3.0), torch.full((3,), 7.0)
    found = interval_score(truth, lower, upper, (0.1, 0.75))
    assert torch.allclose(found, torch.tensor([4.0, 4 + 10, 4 + 8.0]))


def test_the_true_quantiles_have_the_least_score():
    """Narrower and wider intervals of standard normal numbers cost more than theirs."""
    truth = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    right = torch.full_like(truth, 1.6448536)  # the 0.95 quantile
    ends = [(-k * right, k * right) for k in (0.8, 1, 1.25)]
    scores = [interval_score(truth, *pair, (0.05, 0.95)).mean() for pair in ends]
    assert scores[1] < min(scores[0], scores[2])


def test_a_summary_by_hand():
    truth = torch.tensor([[0.0, 1], [2, 10]])
    one = Outcome(
        truth, torch.full_like(truth, 2), torch.ones_like(truth), torch.full_like(truth, 4)
    )
    found = one.summary((0.05, 0.95))
    want = {"inside": 0.5, "below": 0.25, "above": 0.25, "width": 3.0, "mae": 11 / 4, "n": 4,
            "score": 3 + (20 + 6 * 20) / 4}  # fmt: skip
    assert found == pytest.approx(want)
