"""What trees read of windows, and what a line leaves over in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.beyond import trees
from stflow_lib.speedgraph.beyond.line import Line, drawn
from stflow_lib.speedgraph.beyond.other_days import OtherDays, spans_of_days
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.trees import Rows


@dataclass(frozen=True)
class Left:
    """Windows [S] of a city, its sensors' levels, the line whose residuals are asked for, and the
    days that are told."""

    part: trees.Part
    line: Line
    days: OtherDays

    def at(self, steps: Int[Tensor, " s"]) -> "Left":
        """The same of other windows."""
        return replace(self, part=replace(self.part, steps=steps))

    def readings(self) -> Float[np.ndarray, "row feature"]:
        """What all trees read, a row for each window and sensor.

        `trees.features`; minus the last input, what other days say of its time of day and of each
        label's; the line.
        """
        city, steps = self.part.city, self.part.steps
        rows = steps[:, None] + torch.arange(-1, city.ahead).to(steps)
        usual = self.days.usual(city, rows) - city.scaled[steps - 1][:, None]
        more = torch.cat([usual.transpose(1, 2), self.line(city, steps)], 2).flatten(0, 1)
        return np.concatenate([self.part.features(), more.numpy(force=True)], 1)


class Table:
    """Rows of several cities, at most so many, drawn once for all seeds."""

    def __init__(self, some: Sequence[Left], most: int):
        self.parts, self.ahead = [left.part for left in some], some[0].part.city.ahead
        x = np.concatenate([left.readings() for left in some])
        self.picked = np.random.default_rng(0).permutation(len(x))[:most]
        self.x = x[self.picked]

    def measured(self, ahead: int) -> Rows:
        """Readings, and changes minus the line's, of the rows measured `ahead` steps later."""
        labels = [part.changes(ahead) for part in self.parts]
        change, seen = map(np.concatenate, zip(*labels, strict=True))
        change, seen = change[self.picked], seen[self.picked]
        line = self.x[:, ahead - self.ahead]
        return Rows(self.x[seen], (change - line)[seen])


def joined(tables: Sequence[Table], ahead: int) -> Rows:
    """Rows of all tables, one below the other."""
    rows = [table.measured(ahead) for table in tables]
    return Rows(np.concatenate([r.x for r in rows]), np.concatenate([r.y for r in rows]))


def lent_windows(
    task: Task, line: Line, part: str, days: int, sizes: tuple[int, int]
) -> Iterator[Left]:
    """Windows of each source: for each of so many spans of days, at most so many told of these.

    Its sensors' levels are told where something is known of the target. All is drawn once for all
    seeds. DataError for a source without a window that teaches.
    """
    for city in task.sources:
        if not len(city.train):
            raise DataError(f"{city.name}: too short, none of its windows can teach")
        level = trees.sensor_level(
            city, city.known if len(task.target.known) else city.known[:0]
        )
        steps = drawn(getattr(city, part), sizes[0] * sizes[1])
        told = spans_of_days(city, 1440 // task.minutes, days, sizes[0])
        for some, one in zip(steps.tensor_split(sizes[0]), told, strict=True):
            if len(some):
                yield Left(trees.Part(city, some, level), line, one)
