"""Intervals of a mean over few and many values."""

import numpy as np
import pytest

from stflow_lib.verdicts.statistics import VERDICTS, finding, interval, verdict


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
    [(0.1, 2.0, "confirmed"), (0.1, 0.2, "confirmed"), (-2.0, -0.1, "opposite"),
     (-1.0, 1.0, "equal within 1 %"), (-1.1, 0.5, "open"), (-0.5, 1.1, "open"),
     (np.nan, np.nan, "")],
)  # fmt: skip
def test_the_finding_follows_from_the_interval(low, high, word):
    """A sure difference comes before a small one; what reaches beyond one percent is open."""
    assert finding(low, high) == word
    assert finding(10 * low, 10 * high, margin=10.0) == word


@pytest.mark.parametrize(
    "finding, enough, converged, word",
    [("confirmed", True, True, "confirmed"), ("opposite", True, False, "not converged"),
     ("open", False, True, "one seed"), ("", False, False, "one seed"), ("", True, True, "open")],
)  # fmt: skip
def test_a_finding_is_a_verdict_only_for_enough_seeds_that_converged(
    finding, enough, converged, word
):
    assert verdict(finding, enough, converged) == word and word in VERDICTS


def test_verdicts_stand_in_the_order_of_what_is_lacking():
    assert VERDICTS == (
        "not run", "needs data that cannot be had", "one seed", "not converged",
        "confirmed", "opposite", "equal within 1 %", "open",
    )  # fmt: skip
