"""What a sensor's other days say of a time of day."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.problem.city import CitySpeed

AROUND = 3  # steps before and after a time of day whose readings count as readings of it


@dataclass(frozen=True)
class OtherDays:
    """Readings of a city by day and time of day, asked for the days that a step does not lie on.

    sums [2, D, S, N]: of scaled readings, and how many they are, at most `AROUND` steps from each
    of the S steps of D days; first: the first of the days, counted from the city's first.
    """

    sums: Float[Tensor, "2 day step node"]
    first: int

    @classmethod
    def of(cls, city: CitySpeed, steps: Int[Tensor, " s"], day: int) -> "OtherDays":
        """Of the readings in windows of `steps`; day: steps of one. Nothing without a step."""
        if not len(steps):
            return cls(city.scaled.new_zeros(2, 1, day, city.scaled.shape[1]).double(), 0)
        rows = (steps[:, None] + torch.arange(-city.lags, city.ahead).to(steps)).unique()
        first, last = int(rows[0]) // day, int(rows[-1]) // day
        seen = city.seen[rows].double()
        told = torch.zeros(2, (last - first + 1) * day, seen.shape[1]).to(seen)
        told[:, rows - first * day] = torch.stack([seen * city.scaled[rows], seen])
        return cls(_moving_sum(told).unflatten(1, (-1, day)), first)

    def usual(self, rows: Int[Tensor, "*any"]) -> Float[Tensor, "*any node"]:
        """Mean scaled reading at the time of day of steps, over all days but each one's own.

        NaN for a sensor without a reading then. A step's own day is left out with all readings
        at most `AROUND` steps from it, so that a label does not tell of itself.
        """
        days, day = self.sums.shape[1:3]
        at, of = rows % day, rows // day - self.first
        inside = ((of >= 0) & (of < days))[..., None]
        own = torch.where(inside, self.sums[:, of.clamp(0, days - 1), at], 0.0)
        total, count = self.sums.sum(1)[:, at] - own
        return torch.where(count > 0.5, total / count, torch.nan)


def _moving_sum(series: Float[Tensor, "2 time node"]) -> Float[Tensor, "2 time node"]:
    size = 2 * AROUND + 1
    return size * F.avg_pool1d(series.transpose(1, 2), size, 1, AROUND).transpose(1, 2)


def whole_days(city: CitySpeed, day: int) -> int:
    """So many lie in the steps that may be seen; day: steps of one."""
    if not len(city.known):
        return 0
    return (int(city.known[-1]) + city.ahead - int(city.known[0]) + city.lags) // day


def spans_of_days(city: CitySpeed, day: int, days: int, count: int) -> Iterator[OtherDays]:
    """Readings of `days` days that teach, drawn once for all seeds; nothing of no day."""
    own = city.train // day
    begins = np.arange(int(own[0]), max(int(own[-1]) + 2 - days, int(own[0]) + 1))
    for first in np.random.default_rng(0).choice(begins, count):
        yield OtherDays.of(city, city.train[(own >= first) & (own < first + days)], day)
