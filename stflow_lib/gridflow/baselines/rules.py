"""Rules that learn next to nothing: the last value, and means over the clock."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.calendar import hour_of_day, hour_of_week, mean_by_slot
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Method, NoSettings, Predictor


def fit_last(
    days: int, task: Task, settings: NoSettings, seed: int, folder: Path | None
) -> Predictor:
    """Repeat what was seen `days` before the label, one step before where `days` is 0.

    It may look back over the bounds of a part, as any rolling forecaster may. DataError when
    the test part begins earlier than that after the series does.
    """
    back = max(days * task.day, 1)
    if task.protocol.test < back:
        raise DataError(f"{task.target.name}: test begins at step {task.protocol.test}, too early "
                        f"to look {back} steps back")  # fmt: skip
    return looking_back(task.form, settings, back)


def looking_back(form: dict, settings: NoSettings, back: int) -> Predictor:
    """The predictor that repeats what was seen `back` steps before the label."""
    return Predictor(lambda t, steps: t.target.flow[steps - back], learned=back)


def fit_hour_of_day(
    task: Task, settings: NoSettings, seed: int, folder: Path | None
) -> Predictor:
    """Mean of each hour of the day over the target's training days."""
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no training day, zero-shot has no mean by hour")
    return _clock_means(task, task.target.train, hour_of_day)


def fit_hour_of_week(
    task: Task, settings: NoSettings, seed: int, folder: Path | None
) -> Predictor:
    """Mean of each hour of the week over all history before validation: not few-shot."""
    rows = torch.arange(task.protocol.valid, device=task.device)
    return _clock_means(task, rows, hour_of_week)


def _clock_means(
    task: Task, rows: Int[Tensor, " row"], clock: Callable[[np.ndarray], np.ndarray]
) -> Predictor:
    """Mean map of every time on the clock over `rows`; the mean of all where it has none."""
    city, width = task.target, 1440 // task.day
    slots = torch.from_numpy(clock(city.time) // width).to(task.device)
    table = mean_by_slot(city.flow[rows], slots[rows], int(slots.max()) + 1)
    return from_table(clock, task.form, NoSettings(), table)


def from_table(
    clock: Callable[[np.ndarray], np.ndarray],
    form: dict,
    settings: NoSettings,
    table: Float[Tensor, "slot direction row col"],
) -> Predictor:
    """The predictor that looks up the label's time on the clock in a table [slot, D, H, W]."""

    def predict(t: Task, steps: Tensor) -> Tensor:
        slots = clock(t.target.time[steps.cpu().numpy()]) // (1440 // t.day)
        return table[torch.from_numpy(slots).to(table.device)]

    return Predictor(predict, parameters=table.numel(), learned=table)


RULES = (
    Method("Previous hour", NoSettings, partial(fit_last, 0), looking_back, anywhere=True),
    Method("Yesterday", NoSettings, partial(fit_last, 1), looking_back, anywhere=True),
    Method("Last week", NoSettings, partial(fit_last, 7), looking_back, anywhere=True),
    Method("Few-shot mean", NoSettings, fit_hour_of_day, partial(from_table, hour_of_day)),
    Method(
        "Hour-of-week mean", NoSettings, fit_hour_of_week, partial(from_table, hour_of_week)
    ),
)
