"""Intervals of a mean over a few seeds, and the word that they allow."""

import numpy as np
from scipy import stats

_BOOTSTRAP_FROM = 20  # pairs from which the interval needs no normal errors


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of independent values [n]; NaN for fewer than two.

    Student's t, or the percentile bootstrap from twenty values on.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        return np.nan, np.nan
    if len(values) >= _BOOTSTRAP_FROM:
        draws = np.random.default_rng(0).choice(values, (10_000, len(values))).mean(1)
        low, high = np.quantile(draws, [0.025, 0.975])
        return float(low), float(high)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - half), float(values.mean() + half)


def verdict(low: float, high: float) -> str:
    """The word that an interval of a difference, better minus worse, allows."""
    if np.isnan(low):
        return "one seed"
    return "confirmed" if low > 0 else "the opposite" if high < 0 else "not confirmed"
