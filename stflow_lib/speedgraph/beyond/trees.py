"""Gradient-boosted trees on a sensor's own lags, its neighbours' and the clock.

One booster for each step ahead, asked for the change since the last reading; one row is one
sensor in one window, so a booster serves all sensors, and all cities in their own scales.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.networks.graph_operators import transitions
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.trees import Booster, Boosting, Rows

CHUNK = 256  # windows at once
MEDIAN = partial(Boosting, loss="absolute_error")  # what networks of this wing minimise too


@dataclass(frozen=True)
class TreesSettings:
    """Size of the boosters."""

    booster: Boosting = field(default_factory=MEDIAN)


@dataclass(frozen=True)
class PooledSettings(TreesSettings):
    """And how much the sources say."""

    windows: int = 50  # of each source, drawn once for all seeds; many drown the target's


@dataclass(frozen=True)
class Part:
    """Windows of one city and what its sensors are known to be like.

    steps [S]: first label steps; level [N]: mean scaled speed of each sensor, NaN where unknown.
    """

    city: CitySpeed
    steps: Int[Tensor, " s"]
    level: Float[Tensor, " node"]

    def features(self) -> Float[np.ndarray, "row feature"]:
        """`features` of all windows, one row for each window and sensor."""
        some = [features(self.city, s, self.level) for s in self.steps.split(CHUNK)]
        return torch.cat(some).flatten(0, 1).numpy(force=True)

    def changes(self, ahead: int) -> tuple[Float[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
        """Scaled label `ahead` steps after the first minus the last input; what was measured."""
        rows = self.steps + ahead
        scaled = (self.city.speed[rows].double() - self.city.mean) / self.city.deviation
        change = scaled - self.city.scaled[self.steps - 1]
        return change.flatten().numpy(force=True), self.city.seen[rows].flatten().numpy(
            force=True
        )


def features(
    city: CitySpeed, steps: Int[Tensor, " b"], level: Float[Tensor, " node"]
) -> Float[Tensor, "b node feature"]:
    """What a booster reads of each sensor, [B, N, 3 L + 6], in the city's scale; NaN: missing.

    The last input, gaps filled; then minus it: the sensor's level, its own lags, and the mean
    lags of its neighbours along and against the ways; sine and cosine of the time of day of the
    first label, its hour, its day of the week.
    """
    rows = steps[:, None] + torch.arange(-city.lags, 0, device=steps.device)
    last = city.scaled[steps - 1][..., None]
    own = torch.where(city.seen[rows], city.scaled[rows], torch.nan)
    around = [neighbour_mean(ways, own) for ways in transitions(city.weights)]
    lags = [x.transpose(1, 2) - last for x in (own, *around)]
    clock = _clock(city, steps).to(last)[:, None].expand(-1, last.shape[1], -1)
    return torch.cat([last, level[None, :, None] - last, *lags, clock], 2)


def neighbour_mean(
    ways: Float[Tensor, "node node"], readings: Float[Tensor, "b lag node"]
) -> Float[Tensor, "b lag node"]:
    """Weighted mean over those neighbours that have a reading, NaN where none has one."""
    seen = torch.isfinite(readings)
    weight = seen.to(ways) @ ways.T
    return (
        torch.where(seen, readings, 0.0) @ ways.T / torch.where(weight > 0, weight, torch.nan)
    )


def _clock(city: CitySpeed, steps: Int[Tensor, " b"]) -> Float[Tensor, "b 4"]:
    time = pd.DatetimeIndex(city.time[steps.numpy(force=True)])
    day = np.asarray(time.hour * 60 + time.minute) / 1440
    turn = math.tau * day
    columns = [np.sin(turn), np.cos(turn), 24 * day, np.asarray(time.dayofweek)]
    return torch.from_numpy(np.stack(columns, 1))


def sensor_level(city: CitySpeed, steps: Int[Tensor, " s"]) -> Float[Tensor, " node"]:
    """Mean scaled speed of each sensor over the readings in windows of `steps`.

    NaN for a sensor without a reading, and where there is no step.
    """
    if not len(steps):
        return torch.full_like(city.scaled[0], torch.nan)
    inside = torch.arange(-city.lags, city.ahead, device=steps.device)
    rows = (steps[:, None] + inside).unique()
    return torch.where(city.seen[rows], city.scaled[rows], torch.nan).nanmean(0)


@dataclass(frozen=True)
class Forecaster:
    """Boosters by steps ahead, and the target's levels [N]."""

    boosters: tuple[Booster, ...]
    level: Float[Tensor, " node"]

    def __call__(self, task: Task, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node ahead"]:
        """Speeds in the target's unit."""
        city = task.target
        x = Part(city, steps, self.level).features()
        change = torch.from_numpy(np.stack([booster(x) for booster in self.boosters], 1))
        last = city.scaled[steps - 1][..., None]
        return city.unscale(last + change.unflatten(0, last.shape[:2]).to(last))


def fit_alone(task: Task, settings: TreesSettings, seed: int, folder: Path | None) -> Predictor:
    """On the target's days alone; DataError without days.

    Validation windows choose the number of trees, then all visible windows are fitted.
    """
    if not len(task.target.known):
        raise DataError(f"{task.target.name}: no day to learn from")
    return _few_shot(task, [], settings.booster)


def fit_pooled(
    task: Task, settings: PooledSettings, seed: int, folder: Path | None
) -> Predictor:
    """On the target's days and the sources' windows together; DataError without a source.

    In zero-shot on the sources alone: their validation parts choose, no sensor's level is told.
    """
    sources, few = require_sources(task), bool(len(task.target.known))
    lent = [drawn(city, city.train, settings.windows, few) for city in sources]
    if few:
        return _few_shot(task, lent, settings.booster)
    judges = [drawn(city, city.valid, settings.windows, few) for city in sources]
    found = chosen(Table(lent), Table(judges), settings.booster, task.target.ahead)
    return _predictor(task, found)


def drawn(city: CitySpeed, steps: Int[Tensor, " s"], most: int, told: bool) -> Part:
    """At most `most` of a city's windows, the same for every seed; levels if they are `told`."""
    order = torch.randperm(len(steps), generator=torch.Generator().manual_seed(0))
    some = steps[order[:most].sort().values.to(steps.device)]
    return Part(city, some, sensor_level(city, city.known if told else steps[:0]))


def _few_shot(task: Task, lent: Sequence[Part], booster: Boosting) -> Predictor:
    city = task.target
    level = sensor_level(city, city.train)
    own, judge = (Part(city, steps, level) for steps in (city.train, city.valid))
    cut = chosen(Table([own, *lent]), Table([judge]), booster, city.ahead)
    whole = Table([replace(own, steps=city.known, level=sensor_level(city, city.known)), *lent])
    again = [
        replace(booster.fitted(whole.measured(ahead), b.trees), curve=b.curve)
        for ahead, b in enumerate(cut)
    ]
    return _predictor(task, again)


def _predictor(task: Task, boosters: Sequence[Booster]) -> Predictor:
    level = sensor_level(task.target, task.target.known)
    learned = {"level": level, "boosters": [booster.arrays() for booster in boosters]}
    return replace(
        restored(task.form, None, learned),
        curves={f"ahead{k}_valid_loss": b.curve for k, b in enumerate(boosters, 1)},
        notes={"trees": [booster.trees for booster in boosters]},
    )


def restored(form: dict, settings: object, learned: dict) -> Predictor:
    """The predictor of a booster for each step ahead, and the sensors' levels."""
    boosters = tuple(map(Booster.stored, learned["boosters"]))
    leaves = sum(booster.leaves for booster in boosters)
    return Predictor(Forecaster(boosters, learned["level"]), leaves, learned=learned)


class Table:
    """Rows of several cities, one below the other."""

    def __init__(self, parts: Sequence[Part]):
        self.parts = parts
        self.x = np.concatenate([part.features() for part in parts])

    def measured(self, ahead: int) -> Rows:
        """The rows whose label was measured `ahead` steps after the first."""
        labels = [part.changes(ahead) for part in self.parts]
        changes, seen = map(np.concatenate, zip(*labels, strict=True))
        return Rows(self.x[seen], changes[seen])


def chosen(learn: Table, judge: Table, booster: Boosting, steps: int) -> list[Booster]:
    """A booster for each step ahead, cut where its scaled MAE on `judge` is least."""
    return [booster.chosen(learn.measured(q), judge.measured(q)) for q in range(steps)]


ALONE = Method("Trees", TreesSettings, fit_alone, restored)
POOLED = Method("Trees(pooled)", PooledSettings, fit_pooled, restored)
