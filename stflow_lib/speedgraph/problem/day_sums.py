"""Errors of speeds by calendar day, each reported step apart: `score` takes their mean."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.day_sums import DaySums, SampleSums, sample_sums, sum_by_day

Speeds = Float[Tensor, "b node ahead"]


def day_sums(
    task: Task, predict: Callable[[Task, Int[Tensor, " b"]], Speeds], batch: int = 64
) -> DaySums:
    """Day of a window's first label -> "min10" -> [readings, sum of |e|, sum of e^2].

    `predict(task, steps [B]) -> [B, N, Q]`; errors in the target's own unit, measured only.
    """
    chosen = [step - 1 for step in task.protocol.reported]
    names = tuple(f"min{step * task.minutes}" for step in task.protocol.reported)

    def errors(steps: Int[Tensor, " b"]) -> SampleSums:
        truth, seen = task.target.labels(steps)
        error = torch.where(seen, predict(task, steps) - truth, 0.0).double()
        apart = error[:, :, chosen].transpose(1, 2)
        return sample_sums(apart, seen[:, :, chosen].sum(1))

    return sum_by_day(task.test, task.target.time, names, errors, batch)
