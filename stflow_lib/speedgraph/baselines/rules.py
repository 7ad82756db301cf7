"""Rules that learn next to nothing: the last value, the mean of the window, the time of day."""

from functools import partial
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Method, NoSettings, Predictor


def fit_window(
    last: int, task: Task, settings: NoSettings, seed: int, folder: Path | None
) -> Predictor:
    """Repeat the mean of the `last` newest inputs: 1, or the whole window.

    TSJT's "HA" grows with the horizon, so it is the mean of the window and no time-of-day mean.
    """

    return mean_of_newest(task.form, settings, last)


def mean_of_newest(form: dict, settings: NoSettings, last: int) -> Predictor:
    """The predictor that repeats the mean of the `last` newest inputs; 0: of all."""

    def predict(task: Task, steps: Tensor) -> Tensor:
        newest = task.target.windows(steps)[:, :, -last:, 0].mean(2)
        return task.target.unscale(newest)[..., None].expand(-1, -1, task.protocol.ahead)

    return Predictor(predict, learned=last)


def fit_time_of_day(
    task: Task, settings: NoSettings, seed: int, folder: Path | None
) -> Predictor:
    """Mean of each sensor at each time of the day over the target's visible days."""
    city, day = task.target, 1440 // task.minutes
    if not len(city.known):
        raise DataError(f"{city.name}: no day to take a mean of")
    rows = torch.arange(int(city.known[0]) - city.lags, int(city.known[-1]) + city.ahead)
    table = mean_by_slot(city.scaled[rows], city.seen[rows], rows % day, day)
    return from_table(task.form, settings, table)


def from_table(
    form: dict, settings: NoSettings, table: Float[Tensor, "slot node"]
) -> Predictor:
    """The predictor that looks up the time of day in a table of scaled speeds."""

    def predict(task: Task, steps: Tensor) -> Tensor:
        ahead = steps[:, None] + torch.arange(task.protocol.ahead, device=steps.device)
        return task.target.unscale(table[ahead % len(table)]).transpose(1, 2)

    return Predictor(predict, parameters=table.numel(), learned=table)


def mean_by_slot(
    scaled: Float[Tensor, "row node"],
    seen: Bool[Tensor, "row node"],
    slots: Int[Tensor, " row"],
    count: int,
) -> Float[Tensor, "slot node"]:
    """Mean of what was measured in each slot; else the sensor's mean, else the city's (0)."""
    slots = slots.to(scaled.device)
    weight = seen.to(scaled.dtype)
    sums = scaled.new_zeros(count, scaled.shape[1]).index_add_(0, slots, scaled * weight)
    counts = torch.zeros_like(sums).index_add_(0, slots, weight)
    mean = (scaled * weight).sum(0) / weight.sum(0).clamp_min(1)
    return torch.where(counts > 0, sums / counts.clamp_min(1), mean)


RULES = (
    Method("Last value", NoSettings, partial(fit_window, 1), mean_of_newest, anywhere=True),
    Method("HA", NoSettings, partial(fit_window, 0), mean_of_newest, anywhere=True),
    Method("Time-of-day mean", NoSettings, fit_time_of_day, from_table),
)
