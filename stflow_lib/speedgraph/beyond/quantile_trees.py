"""Trees asked for two quantiles of speeds, on what `Trees` reads of the target's windows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.beyond.trees import Part, Table, TreesSettings, sensor_level
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.training.trees import Booster, Boosting, Rows, quantile_trees

ROWS = 60_000  # that trees of one step ahead read, and as many that stop them, at most
Speeds = Float[Tensor, "b node ahead"]


@dataclass(frozen=True)
class QuantileTrees:
    """A lower and an upper booster for each step that is asked for, and the target's levels."""

    boosters: tuple[tuple[Booster, Booster], ...]
    level: Float[Tensor, " node"]

    def __call__(self, city: CitySpeed, steps: Int[Tensor, " b"]) -> tuple[Speeds, Speeds]:
        """Two quantiles of speeds, in the city's unit: ascending, none below 0."""
        x, last = Part(city, steps, self.level).features(), city.scaled[steps - 1]
        ends = []
        for end in zip(*self.boosters, strict=True):
            change = [torch.from_numpy(booster(x)).to(last).view_as(last) for booster in end]
            ends.append(city.unscale(torch.stack([last + one for one in change], 2)))
        lower, upper = torch.stack(ends).clamp_min(0).sort(0).values
        return lower, upper


def fitted(
    city: CitySpeed,
    levels: tuple[float, float],
    reported: Sequence[int],
    size: Boosting | None = None,
    most: int = ROWS,
) -> tuple[QuantileTrees, QuantileTrees]:
    """Of the windows that teach, cut where those that choose say; as many trees of all windows.

    reported: steps ahead, from 1 on.
    """
    size = size or TreesSettings().booster
    known, every = (sensor_level(city, steps) for steps in (city.train, city.known))
    learn, judge = (Table([Part(city, steps, known)]) for steps in (city.train, city.valid))
    whole = Table([Part(city, city.known, every)])
    taught, final = [], []
    for ahead in reported:
        rows = [some_rows(table.measured(ahead - 1), most) for table in (learn, judge, whole)]
        pairs = [_pair(size, level, *rows) for level in levels]
        for kept, ends in zip((taught, final), zip(*pairs, strict=True), strict=True):
            kept.append(ends)
    return QuantileTrees(tuple(taught), known), QuantileTrees(tuple(final), every)


def _pair(
    size: Boosting, level: float, learn: Rows, judge: Rows, whole: Rows
) -> tuple[Booster, Booster]:
    found = quantile_trees(size, level, learn, judge)
    del found.model._predictors[max(int(np.argmax(found.model.validation_score_)), 1) :]
    same = replace(size, trees=found.trees, patience=found.trees)  # it stops at no other number
    return found, quantile_trees(same, level, whole, judge)


def some_rows(rows: Rows, most: int) -> Rows:
    """At most so many rows, drawn once."""
    picked = np.random.default_rng(0).permutation(len(rows.y))[:most]
    return Rows(rows.x[picked], rows.y[picked])
