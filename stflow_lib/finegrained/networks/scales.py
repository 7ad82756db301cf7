"""What networks divide flows by: one rule for every city, or what a paper printed for its own."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from stflow_lib.finegrained.problem.task import Task


def flow_scales(
    name: str, task: Task, sides: Sequence[int], published: Sequence[float]
) -> Float[Tensor, " side"]:
    """Divisors of flows at s x s fine cells in a coarse one, in vehicles, for every s of `sides`.

    "training": deviations of the training part, see `deviations`; "published": the paper's
    numbers. ValueError for another name.
    """
    if name not in ("training", "published"):
        raise ValueError(f"scales {name!r}: want training or published")
    if name == "training":
        return deviations(task, sides)
    return torch.tensor(published, device=task.device)


def deviations(task: Task, sides: Sequence[int]) -> Float[Tensor, " side"]:
    """Standard deviation of flows over all cells of all training maps, in vehicles.

    At s x s fine cells in a coarse one, for every s of `sides`: 1 is the coarse grid, M the fine.
    So scaled, a flow's squared error is the share of its variance that is not explained, in any
    city at any resolution. 1 where no flow ever varies.
    """
    found = [block_sums(task.fine[task.train], task.factor // s).double().std() for s in sides]
    spread = torch.stack(found).float()
    return torch.where(spread > 0, spread, 1.0)


def block_sums(fine: Float[Tensor, "b 1 fr fc"], side: int) -> Float[Tensor, "b 1 r c"]:
    """Vehicles of each side x side block of cells."""
    return F.avg_pool2d(fine, side) * side**2
