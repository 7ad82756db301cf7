"""Intervals of speeds: held-out errors in units of each sensor's own, by steps ahead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.conformal import Bands
from stflow_lib.training.method import Predictor

BATCH = 64
PRIOR = 50  # errors as large as the city's mean that each sensor is told of beside its own
Speeds = Float[Tensor, "b node ahead"]


@dataclass(frozen=True)
class Intervals:
    """What held-out hours say about forecasts.

    level [N]: mean forecast of each sensor; size [N]: its mean absolute error, drawn towards the
    city's; both in the city's unit. bands: one for each step ahead, of (speed - level) / size.
    """

    level: Float[Tensor, " node"]
    size: Float[Tensor, " node"]
    bands: list[Bands]

    @classmethod
    def of(cls, predictor: Predictor, task: Task, steps: Int[Tensor, " s"]) -> "Intervals":
        """From forecasts whose first steps are `steps` [S]; none of them may be learned from."""
        parts = [(predictor(task, b), *task.target.labels(b)) for b in steps.split(BATCH)]
        guess, truth, seen = (torch.cat(part) for part in zip(*parts, strict=True))
        level, size = guess.mean((0, 2)), error_size(guess - truth, seen)
        unit = [(x - level[:, None]) / size[:, None] for x in (guess, truth)]
        bands = [
            Bands.of(*(x[..., q][seen[..., q]] for x in unit)) for q in range(seen.shape[2])
        ]
        return cls(level, size, bands)

    def bounds(self, mean: Speeds, levels: Sequence[float]) -> tuple[Speeds, Speeds]:
        """Lower and upper bounds of forecasts, none below 0, in the city's unit."""
        unit = (mean - self.level[:, None]) / self.size[:, None]
        ends = [band.bounds(unit[..., q], levels) for q, band in enumerate(self.bands)]
        lower, upper = (torch.stack(end, 2) for end in zip(*ends, strict=True))
        back = [x * self.size[:, None] + self.level[:, None] for x in (lower, upper)]
        return back[0].clamp_min(0), back[1].clamp_min(0)

    def arrays(self) -> dict[str, Any]:
        """What a file keeps, see `stored`."""
        return {
            "level": self.level,
            "size": self.size,
            "bands": [b.arrays() for b in self.bands],
        }

    @classmethod
    def stored(cls, arrays: dict[str, Any]) -> "Intervals":
        """The intervals of `arrays()`."""
        return cls(arrays["level"], arrays["size"], [Bands(**b) for b in arrays["bands"]])


def error_size(error: Speeds, seen: Bool[Tensor, "b node ahead"]) -> Float[Tensor, " node"]:
    """Mean absolute error of each sensor where it was measured, with PRIOR of the city's."""
    total, count = torch.where(seen, error.abs(), 0).sum((0, 2)), seen.sum((0, 2))
    city = total.sum() / count.sum().clamp_min(1)
    return ((total + PRIOR * city) / (count + PRIOR)).clamp_min(1e-6)
