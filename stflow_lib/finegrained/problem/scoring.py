"""Errors of fine maps, pooled, and per part of the city."""

from jaxtyping import Float
from torch import Tensor

from stflow_lib.finegrained.problem.task import Task
from stflow_lib.training.metrics import FlowErrors


def score(task: Task, predict, batch: int = 256) -> dict:
    """Errors on the test part in real units, per direction, and what the constraint lost.

    `predict(task, indices [B]) -> [B, 1, HM, WM]`. Returns {"metrics", "parts"}: metrics as in
    UrbanSTC section 5.1.3, `conservation` = largest relative gap between a block's sum and
    its coarse cell, `dead_blocks` = share of non-empty blocks that `block_losses` calls dead.
    """
    total, parts = FlowErrors(), {name: FlowErrors() for name in task.directions}
    lost, dead, live = 0.0, 0, 0
    for indices in task.test.split(batch):
        fine, truth, coarse = predict(task, indices), task.fine[indices], task.coarse[indices]
        total.add(fine, truth)
        for d, name in enumerate(task.directions):
            own = indices % len(task.directions) == d
            if own.any():
                parts[name].add(fine[own], truth[own])
        gap, is_dead, is_full = block_losses(fine, coarse, task.factor)
        lost, dead, live = max(lost, gap), dead + is_dead, live + is_full
    metrics = total.result() | {"conservation": lost, "dead_blocks": dead / max(live, 1)}
    return {"metrics": metrics, "parts": _by_part(parts)}


def _by_part(parts: dict[str, FlowErrors]) -> dict[str, float]:
    if len(parts) == 1:
        return {}
    return {f"{p}_{m}": v for p, errors in parts.items() for m, v in errors.result().items()}


def block_losses(
    fine: Float[Tensor, "b 1 fr fc"], coarse: Float[Tensor, "b 1 r c"], factor: int
) -> tuple[float, int, int]:
    """Largest relative gap of a block that got anything, number of dead and of non-empty blocks.

    The gap is what UrbanSTC's structural constraint (Eq. 1) forbids.

    A non-empty block is dead when its M x M fine cells are all equal, zero included: whatever
    the network sees there, it says nothing about the split.
    """
    batch, _, height, width = coarse.shape
    blocks = fine.double().reshape(batch, 1, height, factor, width, factor)
    full = coarse > 0
    share = blocks.sum((3, 5))[full] / coarse[full].double()
    spread = (blocks.amax((3, 5)) - blocks.amin((3, 5)))[full] / coarse[full].double()
    given = share > 0
    gap = (share[given] - 1).abs().max().item() if given.any() else 0.0
    return gap, int((spread <= 1e-6).sum()), int(full.sum())
