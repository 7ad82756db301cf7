"""Errors of fine maps by calendar day, all directions in one pool as `score` has them."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.finegrained.problem.task import Task
from stflow_lib.training.day_sums import DaySums, SampleSums, sample_sums, sum_by_day

Maps = Float[Tensor, "b 1 fine_row fine_col"]


def day_sums(
    task: Task, predict: Callable[[Task, Int[Tensor, " b"]], Maps], batch: int = 256
) -> DaySums:
    """Day of a test map -> {"all": [cells, sum of |e|, sum of e^2]}, vehicles per step.

    `predict(task, indices [B]) -> [B, 1, HM, WM]`.
    """

    def errors(indices: Int[Tensor, " b"]) -> SampleSums:
        error = predict(task, indices).double() - task.fine[indices].double()
        error = error.flatten(2)
        return sample_sums(error, error.new_full((1, 1), error.shape[2]))

    return sum_by_day(task.test, task.time, ("all",), errors, batch)
