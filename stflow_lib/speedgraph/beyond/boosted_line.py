"""Boosted trees on what a line leaves over: `line` first, then the medians of its residuals.

For each step ahead two sums of trees learn the residuals, one from the target's windows alone, one
from them and the sources' together; their mean is added to the line. Zero-shot has the sources'
line and trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.beyond import trees
from stflow_lib.speedgraph.beyond.line import (
    Line,
    LineSettings,
    chosen_counts,
    drawn,
    lent_line,
    own_line,
)
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.trees import Booster, Boosting, Rows

BOOSTER = partial(trees.MEDIAN, trees=150, patience=10, leaves=16, smallest=50)


@dataclass(frozen=True)
class Settings:
    """Sizes, chosen on visible windows of Los Angeles."""

    line: LineSettings = field(default_factory=LineSettings)
    booster: Boosting = field(default_factory=BOOSTER)
    windows: int = 50  # of each source that trees read, drawn once for all seeds
    rows: int = 40_000  # of the target, and of the sources, that trees read, at most


@dataclass(frozen=True)
class Left:
    """Windows [S] of a city, its sensors' levels, and the line whose residuals are asked for."""

    part: trees.Part
    line: Line

    def readings(self) -> Float[np.ndarray, "row feature"]:
        """What all trees read, a row for each window and sensor: `trees.features`, the line."""
        line = self.line(self.part.city, self.part.steps).flatten(0, 1)
        return np.concatenate([self.part.features(), line.numpy(force=True)], 1)


class Table:
    """Rows of several cities, at most so many, drawn once for all seeds."""

    def __init__(self, some: Sequence[Left], most: int):
        self.some, self.ahead = some, some[0].part.city.ahead
        x = np.concatenate([left.readings() for left in some])
        self.picked = np.random.default_rng(0).permutation(len(x))[:most]
        self.x = x[self.picked]

    def measured(self, ahead: int) -> Rows:
        """Readings, and changes minus the line's, of the rows measured `ahead` steps later."""
        labels = [left.part.changes(ahead) for left in self.some]
        change, seen = map(np.concatenate, zip(*labels, strict=True))
        change, seen = change[self.picked], seen[self.picked]
        line = self.x[:, ahead - self.ahead]
        return Rows(self.x[seen], (change - line)[seen])


def joined(tables: Sequence[Table], ahead: int) -> Rows:
    """Rows of all tables, one below the other."""
    rows = [table.measured(ahead) for table in tables]
    return Rows(np.concatenate([r.x for r in rows]), np.concatenate([r.y for r in rows]))


@dataclass(frozen=True)
class Forecaster:
    """A line, for each step ahead trees whose mean is added, and the target's levels [N]."""

    line: Line
    boosters: tuple[tuple[Booster, ...], ...]
    level: Float[Tensor, " node"]

    def __call__(self, task: Task, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node ahead"]:
        """Speeds in the target's unit."""
        city = task.target
        first = self.line(city, steps)
        x = Left(trees.Part(city, steps, self.level), self.line).readings()
        more = [np.mean([one(x) for one in some], 0) for some in self.boosters]
        change = first + torch.from_numpy(np.stack(more, 1)).to(first).view_as(first)
        return city.unscale(change + city.scaled[steps - 1][..., None]).float()


def fit(task: Task, settings: Settings, seed: int, folder: Path | None) -> Predictor:
    """On the sources, then on the target's visible windows; the same with every seed.

    The target's validation windows choose how firmly its line is held and the numbers of trees,
    then both learn from all visible windows. In zero-shot the sources' validation windows choose.
    DataError without a source.
    """
    prior = lent_line(require_sources(task), settings.line)
    few = bool(len(task.target.known))
    lent = Table(_lent(task, prior, "train", settings.windows, few), settings.rows)
    if not few:
        judge = Table(_lent(task, prior, "valid", settings.windows, few), settings.rows)
        found = [(settings.booster.chosen(lent.measured(q), judge.measured(q)),)
                 for q in range(task.target.ahead)]  # fmt: skip
        return _predictor(task, settings, prior, found, {})
    return _few_shot(task, settings, prior, lent)


def _lent(task: Task, line: Line, part: str, windows: int, told: bool) -> list[Left]:
    """Windows of each source; its sensors' levels, if they are `told`."""
    some = []
    for city in task.sources:
        level = trees.sensor_level(city, city.known if told else city.known[:0])
        some.append(Left(trees.Part(city, drawn(getattr(city, part), windows), level), line))
    return some


def _few_shot(task: Task, settings: Settings, prior: Line, lent: Table) -> Predictor:
    city = task.target
    counts = chosen_counts(prior, city, settings.line)
    line = own_line(prior, city, city.train, counts)
    level = trees.sensor_level(city, city.train)
    own, judge = (
        Table([Left(trees.Part(city, steps, level), line)], settings.rows)
        for steps in (city.train, city.valid)
    )
    cuts = [
        [
            settings.booster.chosen(joined(some, q), judge.measured(q)).trees
            for some in ([own], [own, lent])
        ]
        for q in range(city.ahead)
    ]
    line, whole = _whole(city, prior, counts, settings.rows)
    found = [
        tuple(
            settings.booster.fitted(joined(some, q), cut)
            for some, cut in zip(([whole], [whole, lent]), cuts[q], strict=True)
        )
        for q in range(city.ahead)
    ]
    return _predictor(task, settings, line, found, {"counts": counts})


def _whole(city: CitySpeed, prior: Line, counts: float, rows: int) -> tuple[Line, Table]:
    """The line of all visible windows, and what it leaves over in them."""
    line = own_line(prior, city, city.known, counts)
    part = trees.Part(city, city.known, trees.sensor_level(city, city.known))
    return line, Table([Left(part, line)], rows)


def _predictor(
    task: Task, settings: Settings, line: Line, found: Sequence, notes: dict[str, Any]
) -> Predictor:
    learned = {
        "line": line.weights,
        "level": trees.sensor_level(task.target, task.target.known),
        "boosters": [[one.arrays() for one in some] for some in found],
    }
    counts = [[one.trees for one in some] for some in found]
    fitted = restored(task.form, settings, learned)
    return replace(fitted, notes=notes | {"trees": counts})


def restored(form: dict, settings: object, learned: dict[str, Any]) -> Predictor:
    """The predictor of a line, trees for each step ahead, and the sensors' levels."""
    boosters = tuple(tuple(map(Booster.stored, some)) for some in learned["boosters"])
    leaves = sum(one.leaves for some in boosters for one in some)
    found = Forecaster(Line(learned["line"]), boosters, learned["level"])
    return Predictor(found, learned["line"].numel() + leaves, learned=learned)


METHOD = Method("Boosted line", Settings, partial(on_roads, "Boosted line", fit), restored)
