"""Intervals of a mean over few and many values."""

import numpy as np
import pytest

from stflow_lib.verdicts.statistics import interval, verdict


def test_bootstrap_agrees_with_t_for_many_pairs_and_one_value_has_no_interval():
    values = np.random.default_rng(3).normal(1.0, 0.5, 200)
    low, high = interval(values)
    half = 1.972 * values.std(ddof=1) / 200**0.5
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)
    assert np.isnan(interval(values[:1])).all()


def test_three_values_have_students_interval():
    """With the normal's 1.96 the interval would be less than half as wide."""
    low, high = interval(np.array([1.0, 1.2, 0.8]))
    assert high - low == pytest.approx(2 * 4.302653 * 0.2 / 3**0.5, abs=1e-5)
    assert (low + high) / 2 == pytest.approx(1.0)


@pytest.mark.parametrize(
    "low, high, word",
    [(0.1, 2.0, "confirmed"), (-2.0, -0.1, "the opposite"), (-1.0, 1.0, "not confirmed"),
     (0.0, 1.0, "not confirmed"), (np.nan, np.nan, "one seed")],
)  # fmt: skip
def test_the_word_follows_from_the_side_of_zero(low, high, word):
    assert verdict(low, high) == word
