"""What fine-tuning minimises besides the paper's squared error."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import Objective, squared_error


def log_error(network: nn.Module, task: Task, batch: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """Mean |y - yhat| + |log(1 + y) - log(1 + yhat)|: small flows count as much as large ones.

    The loss of PLGF (arXiv 2511.07098) without its focal re-weighting; yhat >= 0 by M2.
    """
    fine = network(task.coarse[batch], task.external[batch]).clamp_min(0)
    truth = task.fine[batch]
    return ((truth - fine).abs() + (torch.log1p(truth) - torch.log1p(fine)).abs()).mean()


def named(loss: str) -> Objective:
    """The objective called "squared" or "log"; ValueError for another name."""
    known = {"squared": squared_error, "log": log_error}
    if loss not in known:
        raise ValueError(f"loss {loss!r}: want one of {[*known]}")
    return known[loss]
