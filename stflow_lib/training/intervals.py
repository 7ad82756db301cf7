"""Prediction intervals of any forecast from its errors on held-out samples, and their scores.

Split conformal prediction (Lei et al., JASA 2018), apart for forecasts of different size: the
errors of each bin of forecasts give that bin's two quantiles, each tail half of what is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Values = Float[np.ndarray, " sample"]


def even(forecast: Values) -> Values:
    """Errors as large for small forecasts as for great ones."""
    return np.ones_like(forecast)


def count_like(forecast: Values) -> Values:
    """Errors that grow with the root of the forecast, as a count's do."""
    return np.sqrt(np.maximum(forecast, 0) + 1)


@dataclass(frozen=True)
class Intervals:
    """Quantiles of errors in units of `spread`, by bins of the forecast."""

    edges: Float[np.ndarray, " edge"]  # between bins, rising
    low: Float[np.ndarray, " bin"]
    high: Float[np.ndarray, " bin"]
    spread: Callable[[Values], Values]

    @classmethod
    def calibrated(
        cls,
        forecast: Values,
        truth: Values,
        level: float,
        bins: int = 10,
        spread: Callable[[Values], Values] = even,
    ) -> "Intervals":
        """From held-out forecasts and what happened; bins hold equally many of them.

        Of n errors in a bin the quantiles are the k-th from each end, k = floor((n + 1)(1 -
        level) / 2): a new one lies between them with at least `level`. Without so many errors
        the bin's interval is infinite.
        """
        edges = np.unique(np.quantile(forecast, np.arange(1, bins) / bins))
        errors = (truth - forecast) / spread(forecast)
        place = np.searchsorted(edges, forecast, side="right")
        ends = [_ends(errors[place == k], level) for k in range(len(edges) + 1)]
        low, high = (np.array(end) for end in zip(*ends, strict=True))
        return cls(edges, low, high, spread)

    def __call__(self, forecast: Values) -> tuple[Values, Values]:
        """Lower and upper ends of each forecast's interval, in its unit."""
        place = np.searchsorted(self.edges, forecast, side="right")
        unit = self.spread(forecast)
        return forecast + self.low[place] * unit, forecast + self.high[place] * unit


def _ends(errors: Values, level: float) -> tuple[float, float]:
    k = int((len(errors) + 1) * (1 - level) / 2 + 1e-9)
    if k < 1:
        return -np.inf, np.inf
    ordered = np.sort(errors)
    return float(ordered[k - 1]), float(ordered[-k])


def covered(low: Values, high: Values, truth: Values) -> Bool[np.ndarray, " sample"]:
    """Whether what happened lies in the interval, its ends included."""
    return (low <= truth) & (truth <= high)


def interval_score(low: Values, high: Values, truth: Values, level: float) -> Values:
    """Width, and 2 / (1 - level) times how far what happened lies outside; less is better.

    Gneiting and Raftery, JASA 2007, Eq. 43.
    """
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return high - low + 2 / (1 - level) * outside
