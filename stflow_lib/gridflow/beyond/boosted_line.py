"""Boosted trees on what a line in context leaves over: `line` first, then its residuals.

Where days of the target are seen, two sums of trees for each direction learn residuals: one from
the target's rows, one from these and the sources' together. A row of the target is the residual of
a line fitted without its day; one of a source is that of the sources' line on labels which it was
fitted to. The mean of both sums, each of at least one tree, is added to the line; it stands alone
where no day is seen, for residuals of one city were no guide to another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.beyond.context import Told, features, lent_spans, own_days
from stflow_lib.gridflow.beyond.line import (
    Line,
    LineSettings,
    Moments,
    Strengths,
    lent_line,
    own_strengths,
    total,
)
from stflow_lib.gridflow.beyond.trees import visible_days
from stflow_lib.gridflow.problem.calendar import hour_of_day
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.trees import Booster, Boosting, Rows

SMALL = 0.01  # of a scale: below it the spread no longer falls with the forecast


@dataclass(frozen=True)
class Settings:
    """Sizes, chosen on validation hours of New York and Washington."""

    line: LineSettings = field(default_factory=LineSettings)
    booster: Boosting = field(
        default_factory=lambda: Boosting(trees=150, patience=10, leaves=12, smallest=40)
    )
    spans: int = 20  # of days in each source, drawn once for all seeds, to be what is told
    labels: int = 60  # steps for each span, drawn outside it
    lent: int = 40_000  # rows of the sources that trees read, at most
    weight: float = 6.0  # of a row of the target beside one of a source


@dataclass(frozen=True)
class Boosted:
    """One direction's rule: a line, and sums of trees whose mean is added; none: the line."""

    line: Line
    boosters: tuple[Booster, ...] = ()

    def __call__(self, told: Told, direction: int) -> Float[Tensor, "s region"]:
        """Scaled forecasts for the direction's valid cells; float64."""
        first = self.line(told, direction)
        if not self.boosters:
            return first
        x = readings(told, direction, first)
        mean = np.mean([booster(x) for booster in self.boosters], 0)
        return first + torch.from_numpy(mean).to(first).view_as(first) * spread(first)


def spread(forecast: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The scale of a residual: as a count's, it grows with the root of what is expected."""
    return (forecast.clamp_min(0) + SMALL).sqrt()


def readings(
    told: Told, direction: int, forecast: Float[Tensor, "s region"]
) -> Float[np.ndarray, "row feature"]:
    """What trees read: the line's forecast, all it reads minus that by `spread`, the clock."""
    x = features(told, direction)[..., :-1]
    time = clock(told).to(x)[:, None].expand(-1, x.shape[1], -1)
    mu = forecast[..., None]
    return torch.cat([mu, (x - mu) / spread(mu), time], 2).flatten(0, 1).numpy(force=True)


def residuals(told: Told, direction: int, line: Line, weight: float = 1.0) -> Rows:
    """Rows of trees: labels minus the line by `spread`; weighted so that squares are the city's."""
    mu = line(told, direction)
    off = (told.labels(direction) - mu) / spread(mu)
    weights = weight * spread(mu).square()
    flat = (part.flatten().numpy(force=True) for part in (off, weights))
    return Rows(readings(told, direction, mu), *flat)


def clock(told: Told) -> Float[Tensor, "s 2"]:
    """Hour of the label, and whether it lies on a weekend."""
    time = told.city.time[told.steps.numpy(force=True)]
    weekend = np.asarray(pd.DatetimeIndex(time).dayofweek > 4)
    return torch.from_numpy(np.stack([hour_of_day(time) / 60, weekend], 1))


def fit(task: Task, settings: Settings, seed: int, folder: Path | None) -> Predictor:
    """On the sources, then on the target's days; the same with every seed.

    The target's validation labels choose how firmly its line is held and the number of trees;
    zero-shot reads none of them. DataError without a source.
    """
    lent = [
        part
        for city in require_sources(task)
        for part in lent_spans(task, city, settings.spans, settings.labels)
    ]
    judge = Told(task.target, task.target.valid, visible_days(task), task.day)
    found = [
        fitted(d, lent, own_days(task), judge, settings) for d, _ in enumerate(task.directions)
    ]
    learned = {
        "told": judge.days,
        "lines": [rule.line.weights for rule in found],
        "boosters": [[one.arrays() for one in rule.boosters] for rule in found],
    }
    counts = [[one.trees for one in rule.boosters] for rule in found]
    notes = {way: {"trees": count} for way, count in zip(task.directions, counts, strict=True)}
    return replace(restored(task.form, settings, learned), notes=notes)


def fitted(
    direction: int, lent: Sequence[Told], own: Sequence[Told], judge: Told, settings: Settings
) -> Boosted:
    """The rule of one direction; without a day of the target's own it is the sources' line."""
    prior = lent_line(lent, direction, settings.line)
    if not own:
        return Boosted(prior)
    moments = [total([part], direction) for part in own]
    held = own_strengths(prior, total(own, direction), judge, direction, settings.line)
    line = held.line(prior, total(own, direction))
    rows = [
        residuals(part, direction, _without(d, prior, moments, held), settings.weight)
        for d, part in enumerate(own)
    ]
    others = some_rows(joined([residuals(p, direction, prior) for p in lent]), settings.lent)
    test = residuals(judge, direction, line)
    boosters = [
        settings.booster.chosen(joined(learn), test) for learn in (rows, [*rows, others])
    ]
    return Boosted(line, tuple(boosters))


def _without(day: int, prior: Line, moments: Sequence[Moments], held: Strengths) -> Line:
    """The target's line of its other days: residuals of the days it was fitted to are too small."""
    rest = [one for d, one in enumerate(moments) if d != day]
    return held.line(prior, reduce(Moments.__add__, rest))


def joined(rows: Sequence[Rows]) -> Rows:
    """All rows, one below the other."""
    x, y, weights = zip(*((one.x, one.y, one.weights) for one in rows), strict=True)
    return Rows(np.concatenate(x), np.concatenate(y), np.concatenate(weights))


def some_rows(rows: Rows, most: int) -> Rows:
    """At most so many rows, drawn once for all seeds."""
    picked = np.random.default_rng(0).permutation(len(rows.y))[:most]
    return Rows(rows.x[picked], rows.y[picked], rows.weights[picked])


@dataclass(frozen=True)
class Forecaster:
    """Rules by direction, and the days that are told."""

    rules: tuple[Boosted, ...]
    days: Int[Tensor, "day step"]

    def __call__(
        self, task: Task, steps: Int[Tensor, " b"]
    ) -> Float[Tensor, "b direction row col"]:
        """Trips per step."""
        told, city = Told(task.target, steps, self.days, task.day), task.target
        maps = [city.only(d).on_map(rule(told, d)) for d, rule in enumerate(self.rules)]
        return torch.cat(maps, 1)


def restored(form: dict, settings: object, learned: dict[str, Any]) -> Predictor:
    """The predictor of lines, trees and the days that are told."""
    rules = tuple(
        Boosted(Line(weights), tuple(map(Booster.stored, boosters)))
        for weights, boosters in zip(learned["lines"], learned["boosters"], strict=True)
    )
    leaves = sum(booster.leaves for rule in rules for booster in rule.boosters)
    count = sum(rule.line.weights.numel() for rule in rules) + leaves
    return Predictor(Forecaster(rules, learned["told"]), count, learned=learned)


METHOD = Method("Boosted line", Settings, fit, restored)
