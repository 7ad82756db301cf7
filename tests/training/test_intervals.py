"""Intervals from held-out errors: what they promise, exactly, and how they are scored."""

import numpy as np
import pytest

from stflow_lib.training.intervals import Intervals, count_like, covered, interval_score


def test_ends_are_order_statistics():
    """19 errors, 90 %: the least and the greatest, of which a 20th is outside in 2 of 20."""
    errors = np.arange(19.0) - 4
    made = Intervals.calibrated(np.zeros(19), errors, 0.9, bins=1)
    assert made(np.array([10.0])) == (np.array([6.0]), np.array([24.0]))
    few = Intervals.calibrated(np.zeros(18), errors[:18], 0.9, bins=1)
    assert few(np.zeros(1)) == (-np.inf, np.inf)


def test_bins_are_apart_and_errors_in_units_of_their_spread():
    """Small forecasts err by 1, great ones by 10: each has its own width."""
    forecast = np.r_[np.full(99, 3.0), np.full(99, 99.0)]
    size = np.where(forecast > 50, 10.0, 1.0)
    truth = forecast + size * np.tile(np.linspace(-1, 1, 99), 2)
    made = Intervals.calibrated(forecast, truth, 0.9, bins=2, spread=count_like)
    low, high = made(np.array([3.0, 99.0]))
    k = 5 - 1  # floor(100 * 0.05)
    reach = -np.linspace(-1, 1, 99)[k] * np.array([1, 10])
    assert high - [3, 99] == pytest.approx(reach) and [3, 99] - low == pytest.approx(reach)


def test_new_samples_are_covered_as_promised():
    """The mean coverage of exchangeable samples is at least the level, and hardly more."""
    random, held = np.random.default_rng(0), []
    for _ in range(300):
        mean = random.gamma(2.0, 10.0, 400)
        truth = random.poisson(mean) + random.random(400)
        made = Intervals.calibrated(mean[:300], truth[:300], 0.9, bins=3, spread=count_like)
        held.append(covered(*made(mean[300:]), truth[300:]).mean())
    assert 0.9 <= np.mean(held) < 0.93


def test_interval_score_by_hand():
    low, high, truth = np.zeros(3), np.full(3, 4.0), np.array([2.0, 5.0, -2.0])
    assert interval_score(low, high, truth, 0.9).tolist() == pytest.approx([4, 24, 44])
    assert covered(low, high, truth).tolist() == [True, False, False]
