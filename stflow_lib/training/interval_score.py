"""Prediction intervals held against what came: how often they hold it, how wide, at what price.

The price is the interval score (Winkler 1972; Gneiting and Raftery 2007, Strictly proper scoring
rules, eq. 43): the width, and for a truth outside its distance to the interval over half the share
that may lie outside. It is least for the true quantiles, so width and misses need no weighing.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

Numbers = Float[Tensor, "*any"]


@dataclass(frozen=True)
class Outcome:
    """Forecasts beside what came, all in one unit: truth, mean, lower and upper [N]."""

    truth: Numbers
    mean: Numbers
    lower: Numbers
    upper: Numbers

    def summary(self, levels: tuple[float, float]) -> dict[str, float | int]:
        """inside, below, above: shares; width, score, mae: means in the unit; n: how many."""
        below, above = self.truth < self.lower, self.truth > self.upper
        parts = {
            "inside": ~(below | above), "below": below, "above": above,
            "width": self.upper - self.lower,
            "score": interval_score(self.truth, self.lower, self.upper, levels),
            "mae": (self.mean - self.truth).abs(),
        }  # fmt: skip
        means = {name: part.double().mean().item() for name, part in parts.items()}
        return {**means, "n": self.truth.numel()}


def interval_score(
    truth: Numbers, lower: Numbers, upper: Numbers, levels: tuple[float, float]
) -> Numbers:
    """The score of each interval between two levels; lower is better.

    A truth below is charged 1 / levels[0] a unit, one above 1 / (1 - levels[1]).
    """
    short, over = (lower - truth).clamp_min(0), (truth - upper).clamp_min(0)
    return upper - lower + short / levels[0] + over / (1 - levels[1])
