"""The task some steps further ahead: the same labels, windows that end earlier.

A method that is fitted to it forecasts those steps directly, and reads no forecast of its own.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.beyond.trees import visible_days
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task


@dataclass(frozen=True)
class EarlierCity(CityFlow):
    """A city of which the newest `gap` steps before each label are not known yet."""

    gap: int = 0

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b lag direction row col"]:
        """The `lags` scaled maps that end `gap` steps before the label, oldest first."""
        return super().windows(steps - self.gap)


def further(task: Task, ahead: int) -> Task:
    """The task of labels `ahead` >= 1 steps after the last map that is known; 1: the same.

    For methods that read no clock beside the windows: `with_hour_inputs` takes no such city.
    """
    sources = tuple(_earlier(city, ahead - 1) for city in task.sources)
    target = EarlierCity(**vars(task.target), gap=ahead - 1)
    return replace(task, target=_veiled(target, visible_days(task)), sources=sources)


def _earlier(city: CityFlow, gap: int) -> EarlierCity:
    train = city.train[city.train >= city.lags + gap]
    return EarlierCity(**vars(city) | {"train": train}, gap=gap)


def _veiled(city: EarlierCity, days: Int[Tensor, "day step"]) -> EarlierCity:
    """No map is read from before the inputs of the first day seen, were its labels one step
    ahead: in its place stands the usual one of the days after the first (which has labels of
    its own), where there are any.
    """
    if not len(days):
        return city
    start, day = int(days[0, 0]), days.shape[1]
    usual, scaled = city.scaled[days[min(1, len(days) - 1) :]].mean(0), city.scaled.clone()
    hidden = torch.arange(max(start - city.lags, 0), device=scaled.device)
    scaled[hidden] = usual[(hidden - start) % day]
    return replace(city, scaled=scaled)
