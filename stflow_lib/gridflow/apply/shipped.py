"""The forecaster that comes with the package, for a city without a source and without two days.

It is "Boosted line" as it is without a day of the target: a line for each hour of the day on a
cell's own last hours and those of its neighbours, learned from cities whose licence lets what was
learned be passed on.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch

from stflow_lib.gridflow.beyond import boosted_line
from stflow_lib.gridflow.beyond.trees import visible_days
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training import shipped
from stflow_lib.training.method import Made, Predictor

FILE = Path(__file__).with_name("shipped_demand.json")
NOTE = "lent_by"  # among the notes of a predictor: who taught it


@cache
def model() -> tuple[dict[str, Any], dict[str, Any]]:
    """(numbers, card): minutes of a step, lags, and weights [24, F] of each direction."""
    return shipped.read(FILE)


def fits(task: Task) -> bool:
    """Whether the model can be asked about the task: its steps, its lags, no more directions."""
    numbers, form = model()[0], task.form
    same = all(form[name] == numbers[name] for name in ("minutes", "lags"))
    return same and len(form["directions"]) <= len(numbers["lines"])


def predictor(task: Task) -> Predictor:
    """What "Boosted line" would have learned from the model's cities for the task's city."""
    numbers, card = model()
    ways = numbers["lines"][: len(task.directions)]
    lines = [torch.tensor(way, dtype=torch.double, device=task.device) for way in ways]
    learned = {"told": visible_days(task)[:0], "lines": lines, "boosters": [[] for _ in lines]}
    settings = boosted_line.METHOD.settings()
    found = boosted_line.restored(task.form, settings, learned)
    found.notes = {NOTE: shipped.lenders(card)}
    found.made = Made(boosted_line.METHOD, settings, task.form)
    return found
