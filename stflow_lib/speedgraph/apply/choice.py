"""Which methods forecast speeds: the one that is asked for, else trees mixed with simple ones."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.runs import profiles
from stflow_lib.runs.pair import named
from stflow_lib.speedgraph.problem.held_back import untaught
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Method, Predictor
from stflow_lib.training.mixture import shares_of

ALONE, POOLED = "Trees", "Trees(pooled)"  # lowest error in most cities: "What to use"
SIMPLE = ("Time-of-day mean", "Ridge")  # what they are mixed with
SIZE = "lab"  # of methods, see profiles.yaml
QUICK = {"booster": {"rate": 0.2, "patience": 10, "trees": 200}}  # a third of the time
BATCH = 64


def names_of(method: str | None, lent: bool) -> tuple[str, ...]:
    """The method that is named alone, else the candidates; lent: there is a source."""
    return (method,) if method else (POOLED if lent else ALONE, *SIMPLE)


def fitted(name: str, task: Task, seed: int) -> Predictor:
    """A method of METHODS, fitted to a task; DataError lists the names that exist."""
    from stflow_lib.speedgraph import METHODS

    method = named("method", METHODS, name)
    return method.fit(task, settings(method), seed)


def settings(method: Method) -> Any:
    """Those of a laptop, of trees quicker ones."""
    quick = QUICK if method.name in (ALONE, POOLED) else {}
    return profiles.settings_of("speedgraph", SIZE, method, quick)


def weighed(names: Sequence[str], task: Task, seed: int) -> list[float]:
    """The shares of methods, by their errors in windows that choose and have not taught; of one,
    all."""
    if len(names) == 1:
        return [1.0]
    apart = untaught(task)
    found = [fitted(name, apart, seed) for name in names]
    return shares_of(torch.stack([errors_of(one, apart, apart.target.valid) for one in found]))


def errors_of(
    predictor: Predictor, task: Task, steps: Int[Tensor, " s"]
) -> Float[Tensor, " n"]:
    """Errors of forecasts whose first steps are `steps` [S], of speeds that were measured."""
    found = []
    for some in steps.split(BATCH):
        truth, seen = task.target.labels(some)
        found.append((predictor(task, some) - truth)[seen])
    return torch.cat(found)
