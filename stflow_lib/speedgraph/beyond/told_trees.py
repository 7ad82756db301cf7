"""The trees of `boosted_line` by themselves: told what other days say, no line before them.

A control: *Trees* and *Trees(pooled)* are not told of other days and are fewer, so what Boosted
line is ahead of them may be the days', the trees' or the line's. Here residuals are of the last
value.
"""

import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.beyond import boosted_line
from stflow_lib.speedgraph.beyond.boosted_line import BOOSTER, _few_shot, _lent, restored
from stflow_lib.speedgraph.beyond.line import LineSettings, no_change
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.training.method import Method, Predictor, require_sources
from stflow_lib.training.trees import Boosting

NAME = "Trees(told)"
STAYS = LineSettings(own=(math.inf,))  # the target does not move what is lent


@dataclass(frozen=True)
class Settings:
    """Those of `boosted_line` but the line's."""

    booster: Boosting = field(default_factory=BOOSTER)
    spans: int = boosted_line.Settings.spans
    windows: int = boosted_line.Settings.windows
    rows: int = boosted_line.Settings.rows


def fit(task: Task, settings: Settings, seed: int, folder: Path | None) -> Predictor:
    """On the target's visible windows and the sources'; the same with every seed.

    DataError without a source or without a day of the target.
    """
    require_sources(task)
    if not len(task.target.known):
        raise DataError(f"{task.target.name}: no window to learn from, {NAME} needs some")
    whole = boosted_line.Settings(line=STAYS, **vars(settings))
    none = no_change(task.target)
    return _few_shot(task, whole, none, _lent(task, whole, none, "train"))


METHOD = Method(NAME, Settings, partial(on_roads, NAME, fit), restored)
