"""Errors of demand by calendar day, each direction apart: `score` takes the mean of the two."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.day_sums import DaySums, SampleSums, sample_sums, sum_by_day

Maps = Float[Tensor, "b direction row col"]


def day_sums(
    task: Task, predict: Callable[[Task, Int[Tensor, " b"]], Maps], batch: int = 256
) -> DaySums:
    """Day of a label step -> direction -> [valid cells, sum of |e|, sum of e^2], trips per step.

    `predict(task, steps [B]) -> [B, D, H, W]`; what it says of other cells does not count.
    """
    cells = task.target.mask.flatten(1)

    def errors(steps: Int[Tensor, " b"]) -> SampleSums:
        error = predict(task, steps).double() - task.target.flow[steps].double()
        return sample_sums(error.flatten(2).masked_fill(~cells, 0.0), cells.sum(1)[None])

    return sum_by_day(task.test, task.target.time, task.directions, errors, batch)
