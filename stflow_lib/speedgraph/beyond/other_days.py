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
    of the S steps of D days; first: the first of the days, since 1970. A reading shortly before
    the first midnight, or after the last, is not counted on the other side of it.
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
        return cls(_moving_sum(told).unflatten(1, (-1, day)), first + _since_1970(city))

    def usual(self, city: CitySpeed, rows: Int[Tensor, "*any"]) -> Float[Tensor, "*any node"]:
        """Mean scaled reading at the time of day of steps, over all days but each one's own.

        NaN for a sensor without a reading then. A step's own day is left out with all readings
        at most `AROUND` steps from it, so that a label does not tell of itself.
        """
        days, day = self.sums.shape[1:3]
        at, of = rows % day, rows // day + _since_1970(city) - self.first
        inside = ((of >= 0) & (of < days))[..., None]
        own = torch.where(inside, self.sums[:, of.clamp(0, days - 1), at], 0.0)
        total, count = self.sums.sum(1)[:, at] - own
        return torch.where(count > 0.5, total / count, torch.nan)


def _moving_sum(series: Float[Tensor, "2 time node"]) -> Float[Tensor, "2 time node"]:
    size = 2 * AROUND + 1
    return size * F.avg_pool1d(series.transpose(1, 2), size, 1, AROUND).transpose(1, 2)


def _since_1970(city: CitySpeed) -> int:
    """The day of a city's first step, which is a midnight."""
    return int(city.time[0].astype("datetime64[D]").astype(int))


def days_that_teach(city: CitySpeed, minutes: int) -> int:
    """Whole days from the first to the last step that teaches; 0 where no day can be told apart.

    That is where steps do not divide a day, where a window's labels reach a day ahead, so that
    another day of one label were the window's own, and where `AROUND` steps span a day.
    """
    day = 1440 // minutes
    alone = 1440 % minutes == 0 and city.ahead + AROUND < day and 2 * AROUND < day
    if not alone or not len(city.train):
        return 0
    return (int(city.train[-1]) + city.ahead - int(city.train[0]) + city.lags) // day


def spans_of_days(city: CitySpeed, day: int, days: int, count: int) -> Iterator[OtherDays]:
    """Readings of `days` days that teach, drawn once for all seeds; nothing of no day.

    Inputs and labels of their windows reach into the days beside them.
    """
    own = city.train // day
    begins = np.arange(int(own[0]), max(int(own[-1]) + 2 - days, int(own[0]) + 1))
    for first in np.random.default_rng(0).choice(begins, count):
        yield OtherDays.of(city, city.train[(own >= first) & (own < first + days)], day)
