"""Gradient-boosted trees on a cell's window, its surroundings, the clock and what days told.

One booster for each direction of demand; one row is one cell in one hour, in its city's scale,
so that rows of cities can be pooled. What few days told of a cell (its mean, and its mean at
the hours around the label's) is an input: for labels of the sources it is drawn from as many
days elsewhere in their series, for the target's own labels from its other days.
"""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.calendar import hour_of_day
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import ALL_DAYS, Task
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.trees import Booster, Boosting, Rows

AROUND = (-1, 0, 1)  # steps from the label whose usual demand is told


@dataclass(frozen=True)
class TreesSettings:
    """Size of the boosters."""

    booster: Boosting = field(default_factory=Boosting)


@dataclass(frozen=True)
class PooledSettings(TreesSettings):
    """And how the sources are read."""

    spans: int = 20  # of days in each source, drawn once for all seeds, to be what is told
    labels: int = 100  # steps for each span, drawn outside it


@dataclass(frozen=True)
class Part:
    """Label steps [S] of one city, and the days [P] whose steps [P, day] were told for all."""

    city: CityFlow
    steps: Int[Tensor, " s"]
    told: Int[Tensor, "day step"]
    day: int  # steps in 24 hours

    def features(self, direction: int) -> Float[np.ndarray, "row feature"]:
        """`features` of the direction's valid cells, one row for each step and cell."""
        x = features(self.city, direction, self.steps, self.told, self.day)
        return x.flatten(0, 1).numpy(force=True)

    def changes(self, direction: int) -> Float[np.ndarray, " row"]:
        """Scaled label minus the last input."""
        city = self.city.only(direction)
        return (
            (city.labels(self.steps) - city.labels(self.steps - 1)).flatten().numpy(force=True)
        )


def features(
    city: CityFlow,
    direction: int,
    steps: Int[Tensor, " b"],
    told: Int[Tensor, "day step"],
    day: int,
) -> Float[Tensor, "b region feature"]:
    """What a booster reads of each valid cell of a direction, in the scale of its city.

    The last input; then minus it: the cell's own lags, both directions and the sum of its eight
    neighbours; the city's mean of both directions; sine and cosine of the label's time of day,
    its hour, weekend or not; minus the last input again, what was told: the cell's mean and its
    usual demand at the steps `AROUND` the label's, NaN where no day was.
    """
    windows = city.windows(steps)  # [B, L, D, H, W]
    cells = city.cells(direction)
    own = _at(windows.flatten(1, 2), cells)
    around = _at(neighbour_sum(windows[:, -1]), cells)
    total = windows.mean((3, 4)).flatten(1)[:, None].expand(-1, len(cells), -1)
    last = _at(windows[:, -1, direction : direction + 1], cells)
    clock = _clock(city, steps).to(last)[:, None].expand(-1, len(cells), -1)
    usual = _at(usual_demand(city.scaled[:, direction], told, steps, day), cells)
    return torch.cat([last, own - last, around, total, clock, usual - last], 2)


def _at(
    maps: Float[Tensor, "b channel row col"], cells: Int[Tensor, " region"]
) -> Float[Tensor, "b region channel"]:
    return maps.flatten(2)[..., cells].transpose(1, 2)


def neighbour_sum(
    maps: Float[Tensor, "b direction row col"],
) -> Float[Tensor, "b direction row col"]:
    """Sum of the up to eight cells around each."""
    return 9 * F.avg_pool2d(maps, 3, 1, 1) - maps


def usual_demand(
    flow: Float[Tensor, "time row col"],
    told: Int[Tensor, "day step"],
    steps: Int[Tensor, " b"],
    day: int,
) -> Float[Tensor, "b 4 row col"]:
    """Mean map of the days told, then their means at the hours around the labels'.

    Days begin at any hour: `told` are runs of one day's length whose first steps agree in time
    of day. NaN where no day is told.
    """
    if not len(told):
        return flow.new_full((len(steps), 1 + len(AROUND), *flow.shape[1:]), torch.nan)
    by_hour = flow[told].mean(0)  # [day, H, W]
    slots = [(steps + k - int(told[0, 0])) % day for k in AROUND]
    level = by_hour.mean(0).expand(len(steps), -1, -1)
    return torch.stack([level, *(by_hour[slot] for slot in slots)], 1)


def _clock(city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, "b 4"]:
    time = city.time[steps.numpy(force=True)]
    hour = hour_of_day(time) / 60
    turn, weekend = math.tau * hour / 24, np.asarray(pd.DatetimeIndex(time).dayofweek > 4)
    return torch.from_numpy(np.stack([np.sin(turn), np.cos(turn), hour, weekend], 1))


def visible_days(task: Task) -> Int[Tensor, "day step"]:
    """Steps of the target's whole days that may be seen, [P, day]; P = 0 in zero-shot."""
    end, day = task.protocol.valid, task.day
    days = end // day if task.days == ALL_DAYS else task.days
    return torch.arange(end - days * day, end, device=task.device).view(days, day)


def own_parts(task: Task) -> list[Part]:
    """The target's labels day by day, each told of the other days."""
    city, days = task.target, visible_days(task)
    return [
        Part(city, day[day >= city.lags], torch.cat([days[:d], days[d + 1 :]]), task.day)
        for d, day in enumerate(days)
    ]


def lent_parts(task: Task, city: CityFlow, settings: PooledSettings) -> list[Part]:
    """Labels of a source, each span told to labels outside it; all are told nothing in zero-shot.

    A span has as many days as the target shows, at most half of the source's.
    """
    random = torch.Generator().manual_seed(0)
    end = int(city.train[-1]) + 1
    days = min(len(visible_days(task)), end // task.day // 2)
    parts = []
    for _ in range(settings.spans):
        first = int(torch.randint(end - days * task.day + 1, (), generator=random))
        span = torch.arange(first, first + days * task.day, device=city.flow.device)
        outside = city.train[(city.train < first) | (city.train >= first + len(span))]
        steps = outside[torch.randperm(len(outside), generator=random)[: settings.labels]]
        parts.append(Part(city, steps, span.view(days, task.day), task.day))
    return parts


@dataclass(frozen=True)
class Forecaster:
    """Boosters by direction, and the days that are told."""

    boosters: tuple[Booster, ...]
    told: Int[Tensor, "day step"]

    def __call__(
        self, task: Task, steps: Int[Tensor, " b"]
    ) -> Float[Tensor, "b direction row col"]:
        """Trips per step."""
        part = Part(task.target, steps, self.told, task.day)
        maps = []
        for direction, booster in enumerate(self.boosters):
            one = task.target.only(direction)
            change = torch.from_numpy(booster(part.features(direction)))
            last = one.labels(steps - 1)
            maps.append(one.on_map(last + change.view_as(last).to(last)))
        return torch.cat(maps, 1)


def fit_alone(task: Task, settings: TreesSettings, seed: int, folder: Path | None) -> Predictor:
    """On the target's days; its validation part chooses the trees. DataError without days."""
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no training day, nothing to learn from alone")
    return _fitted(task, own_parts(task), settings.booster)


def fit_pooled(
    task: Task, settings: PooledSettings, seed: int, folder: Path | None
) -> Predictor:
    """On the sources' labels and the target's together; DataError without a source.

    The target's validation part chooses the trees, in zero-shot those of the sources.
    """
    lent = [part for c in require_sources(task) for part in lent_parts(task, c, settings)]
    return _fitted(task, own_parts(task) + lent, settings.booster)


def _fitted(task: Task, parts: list[Part], booster: Boosting) -> Predictor:
    told = visible_days(task)
    judges = (task.target,) if len(told) else task.sources
    valid = [Part(city, city.valid, told, task.day) for city in judges]
    found = {
        way: booster.chosen(table(parts, d), table(valid, d))
        for d, way in enumerate(task.directions)
    }
    learned = {"told": told, "boosters": [one.arrays() for one in found.values()]}
    return replace(
        restored(task.form, booster, learned),
        curves={f"{way}_valid_loss": one.curve for way, one in found.items()},
        notes={way: {"trees": one.trees} for way, one in found.items()},
    )


def restored(form: dict, settings: object, learned: dict) -> Predictor:
    """The predictor of a booster for each direction, and the days that are told."""
    boosters = tuple(map(Booster.stored, learned["boosters"]))
    leaves = sum(booster.leaves for booster in boosters)
    return Predictor(Forecaster(boosters, learned["told"]), leaves, learned=learned)


def table(parts: list[Part], direction: int) -> Rows:
    """Features and changes of all parts, one below the other."""
    x = [part.features(direction) for part in parts]
    return Rows(np.concatenate(x), np.concatenate([part.changes(direction) for part in parts]))


ALONE = Method("Trees", TreesSettings, fit_alone, restored)
POOLED = Method("Trees(pooled)", PooledSettings, fit_pooled, restored)
