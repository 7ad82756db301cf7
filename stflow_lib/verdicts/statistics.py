"""Intervals of a mean over a few seeds, and the words that they allow."""

import numpy as np
from scipy import stats

NOT_RUN, NO_DATA = "not run", "needs data that cannot be had"
ONE_SEED, NOT_CONVERGED = "one seed", "not converged"
CONFIRMED, OPPOSITE, EQUAL, OPEN = "confirmed", "opposite", "equal within 1 %", "open"
FINDINGS = (CONFIRMED, OPPOSITE, EQUAL, OPEN)
VERDICTS = (NOT_RUN, NO_DATA, ONE_SEED, NOT_CONVERGED, *FINDINGS)

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


def interval_text(mean: float, low: float, high: float) -> str:
    """A mean and its interval: "+1.2 [+0.4, +2.0]"; the mean alone where the ends are NaN."""
    return f"{mean:+.1f}" + ("" if np.isnan(low) else f" [{low:+.1f}, {high:+.1f}]")


def finding(low: float, high: float, margin: float = 1.0) -> str:
    """What a 95 % interval of a difference, better minus worse, says: one of FINDINGS.

    `margin` is one percent of the worse one's error, in the unit of the interval; "" without one.
    """
    if np.isnan(low):
        return ""
    if low > 0 or high < 0:
        return CONFIRMED if low > 0 else OPPOSITE
    return EQUAL if -margin <= low and high <= margin else OPEN


def verdict(finding: str, enough: bool, converged: bool) -> str:
    """The word for a finding by `enough` seeds of trainings that all `converged`, or not."""
    if not enough:
        return ONE_SEED
    return (finding or OPEN) if converged else NOT_CONVERGED
