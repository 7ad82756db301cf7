"""Boosted trees on what a line leaves over: `line` first, then the medians of its residuals.

For each step ahead two sums of trees learn the residuals, one from the target's windows alone, one
from them and the sources' together; their mean is added to the line. Where two days of the target
are seen, trees are told what its other days say of the hour, and in a source what as many of its
days say. Zero-shot has the sources' line and trees.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.beyond import trees
from stflow_lib.speedgraph.beyond.left_over import Left, Table, joined, lent_windows
from stflow_lib.speedgraph.beyond.line import (
    Line,
    LineSettings,
    chosen_counts,
    lent_line,
    own_line,
)
from stflow_lib.speedgraph.beyond.other_days import OtherDays, days_that_teach
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.trees import Booster, Boosting

BOOSTER = partial(trees.MEDIAN, trees=400, patience=10, leaves=63, smallest=50)
FEWEST = 2  # whole days: of one, its windows could be told no other


@dataclass(frozen=True)
class Settings:
    """Sizes, chosen on visible windows."""

    line: LineSettings = field(default_factory=LineSettings)
    booster: Boosting = field(default_factory=BOOSTER)
    told: bool = True  # what other days say
    spans: int = 5  # of days in each source, drawn once for all seeds, to be what is told
    windows: int = 30  # of a source for each span
    rows: int = 80_000  # of the target, and of the sources, that trees read, at most


@dataclass(frozen=True)
class Forecaster:
    """A line, for each step ahead trees whose mean is added, the target's levels [N] and days."""

    line: Line
    boosters: tuple[tuple[Booster, ...], ...]
    level: Float[Tensor, " node"]
    days: OtherDays

    def __call__(self, task: Task, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node ahead"]:
        """Speeds in the target's unit."""
        city = task.target
        first = self.line(city, steps)
        x = Left(trees.Part(city, steps, self.level), self.line, self.days).readings()
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
    lent = _lent(task, settings, prior, "train")
    if len(task.target.known):
        return _few_shot(task, settings, prior, lent)
    judge = _lent(task, settings, prior, "valid")
    found = [(settings.booster.chosen(lent.measured(q), judge.measured(q)),)
             for q in range(task.target.ahead)]  # fmt: skip
    return _predictor(task, settings, _own(task, settings, prior, task.target.known), found, {})


def days_told(task: Task, settings: Settings) -> int:
    """Whole days of the target that its windows are told of; 0 where fewer than `FEWEST` teach.

    Counted by what teaches, so that a fit to that alone is told no less than one to all windows.
    """
    known = settings.told and len(task.target.known)
    days = days_that_teach(task.target, task.minutes) if known else 0
    return days if days >= FEWEST else 0


def _lent(task: Task, settings: Settings, line: Line, part: str) -> Table:
    days, sizes = days_told(task, settings), (settings.spans, settings.windows)
    return Table([*lent_windows(task, line, part, days, sizes)], settings.rows)


def _few_shot(task: Task, settings: Settings, prior: Line, lent: Table) -> Predictor:
    city = task.target
    counts = chosen_counts(prior, city, settings.line)
    own = _own(task, settings, own_line(prior, city, city.train, counts), city.train)
    learn, judge = (Table([own.at(steps)], settings.rows) for steps in (city.train, city.valid))
    cuts = [
        [
            settings.booster.chosen(joined(some, q), judge.measured(q)).trees
            for some in ([learn], [learn, lent])
        ]
        for q in range(city.ahead)
    ]
    own = _own(task, settings, own_line(prior, city, city.known, counts), city.known)
    whole = Table([own], settings.rows)
    found = [
        tuple(
            settings.booster.fitted(joined(some, q), cut)
            for some, cut in zip(([whole], [whole, lent]), cuts[q], strict=True)
        )
        for q in range(city.ahead)
    ]
    return _predictor(task, settings, own, found, {"counts": counts})


def _own(task: Task, settings: Settings, line: Line, steps: Int[Tensor, " s"]) -> Left:
    """The target's windows of `steps`, and what is known from them: levels, days."""
    city = task.target
    told = steps if days_told(task, settings) else steps[:0]
    days = OtherDays.of(city, told, 1440 // task.minutes)
    return Left(trees.Part(city, steps, trees.sensor_level(city, steps)), line, days)


def _predictor(
    task: Task, settings: Settings, own: Left, found: Sequence, notes: dict[str, Any]
) -> Predictor:
    learned = {
        "line": own.line.weights,
        "level": own.part.level,
        "days": asdict(own.days),
        "boosters": [[one.arrays() for one in some] for some in found],
    }
    counts = [[one.trees for one in some] for some in found]
    fitted = restored(task.form, settings, learned)
    return replace(fitted, notes=notes | {"trees": counts})


def restored(form: dict, settings: object, learned: dict[str, Any]) -> Predictor:
    """The predictor of a line, trees for each step ahead, the sensors' levels and days."""
    boosters = tuple(tuple(map(Booster.stored, some)) for some in learned["boosters"])
    leaves = sum(one.leaves for some in boosters for one in some)
    line, days = Line(learned["line"]), OtherDays(**learned["days"])
    found = Forecaster(line, boosters, learned["level"], days)
    return Predictor(found, learned["line"].numel() + leaves, learned=learned)


METHOD = Method("Boosted line", Settings, partial(on_roads, "Boosted line", fit), restored)
