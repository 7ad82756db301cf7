"""Trees asked for two quantiles of demand, on what `Trees(pooled)` reads of target and sources."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.beyond.boosted_line import joined, some_rows
from stflow_lib.gridflow.beyond.trees import (
    Part,
    PooledSettings,
    lent_parts,
    own_parts,
    visible_days,
)
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import require_sources
from stflow_lib.training.trees import Booster, Rows, quantile_trees

ROWS = 60_000  # of the sources, and of those that stop the trees, at most
Maps = Float[Tensor, "b direction row col"]


@dataclass(frozen=True)
class QuantileTrees:
    """A lower and an upper booster for each direction, and the days that are told."""

    boosters: tuple[tuple[Booster, Booster], ...]
    told: Int[Tensor, "day step"]

    def __call__(self, task: Task, steps: Int[Tensor, " b"]) -> tuple[Maps, Maps]:
        """Two quantiles of the target's demand, in trips: ascending, none below 0."""
        part = Part(task.target, steps, self.told, task.day)
        ways = [self._ends(part, d) for d, _ in enumerate(self.boosters)]
        ends = torch.cat(ways, 2).clamp_min(0).sort(0).values
        return ends[0], ends[1]

    def _ends(self, part: Part, direction: int) -> Float[Tensor, "end b 1 row col"]:
        x, one = part.features(direction), part.city.only(direction)
        values = [torch.from_numpy(x[:, 0] + end(x)) for end in self.boosters[direction]]
        return torch.stack([one.on_map(v.view(len(part.steps), -1)) for v in values])


def fitted(
    task: Task,
    levels: tuple[float, float],
    settings: PooledSettings | None = None,
    most: int = ROWS,
) -> QuantileTrees:
    """On all that is seen of the target and some rows of the sources, each direction apart.

    The target's validation part stops the trees, in zero-shot those of the sources. DataError
    without a source.
    """
    settings, told = settings or PooledSettings(), visible_days(task)
    lent = [part for c in require_sources(task) for part in lent_parts(task, c, settings)]
    judges = (task.target,) if len(told) else task.sources
    stop = [Part(city, city.valid, told, task.day) for city in judges]
    found = []
    for d, _ in enumerate(task.directions):
        pooled, judge = (some_rows(rows(parts, d), most) for parts in (lent, stop))
        learn = joined([*(rows([part], d) for part in own_parts(task)), pooled])
        low, high = (quantile_trees(settings.booster, q, learn, judge) for q in levels)
        found.append((low, high))
    return QuantileTrees(tuple(found), told)


def rows(parts: list[Part], direction: int) -> Rows:
    """What trees read of a direction's cells, and the label minus the last input."""
    x = np.concatenate([part.features(direction) for part in parts])
    labels = [part.city.only(direction).labels(part.steps).flatten() for part in parts]
    y = torch.cat(labels).numpy(force=True) - x[:, 0]
    return Rows(x, y, np.ones(len(y)))
