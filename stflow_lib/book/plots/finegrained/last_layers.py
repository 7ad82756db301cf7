"""What last layers do to a map: sums of blocks, losses, weights, relative errors, and repairs."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stflow_lib.finegrained import Task
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.kernels import conserve
from stflow_lib.training.method import Predictor
from stflow_lib.training.metrics import FlowErrors

Change = Callable[[Tensor, Tensor], Tensor]  # fine [B, 1, HM, WM], coarse -> fine
MAPE_PARTS = ("empty blocks", "empty cells elsewhere", "cells with vehicles")
OVER = 1.0001  # of a block: what rounding does not explain


def block_sums(fine: Tensor, factor: int) -> Tensor:
    """Sums over the M x M blocks: [B, 1, HM, WM] -> [B, 1, H, W], in double precision."""
    return F.avg_pool2d(fine.double(), factor) * factor**2


def errors_and_losses(predict: Predictor, task: Task, change: Change | None = None) -> dict:
    """Errors over the test part, vehicles lost and invented per map, and negative cells.

    `change` is applied to the predicted maps first. A network that loses in one block and
    invents in the next has both.
    """
    errors, lost, invented, negative = FlowErrors(), 0.0, 0.0, 0
    for indices in task.test.split(128):
        fine, coarse = predict(task, indices), task.coarse[indices]
        fine = change(fine, coarse) if change else fine
        errors.add(fine, task.fine[indices])
        gap = block_sums(fine, task.factor) - coarse
        lost, invented = lost - gap.clamp(max=0).sum(), invented + gap.clamp(min=0).sum()
        negative += int((fine < 0).sum())
    maps = len(task.test)
    return errors.result() | {"lost": float(lost) / maps, "invented": float(invented) / maps,
                              "negative": negative / task.fine[task.test].numel()}  # fmt: skip


def mape_parts(predict: Predictor, task: Task) -> dict[str, float]:
    """MAPE over the test part as a sum of three parts, by the kind of cell (`MAPE_PARTS`)."""
    sums = torch.zeros(3, dtype=torch.float64)
    for indices in task.test.split(128):
        truth = task.fine[indices].double()
        error = (predict(task, indices).double() - truth).abs() / truth.where(truth != 0, 1.0)
        parent = F.interpolate(task.coarse[indices], scale_factor=task.factor)
        kinds = (parent == 0, (parent > 0) & (truth == 0), truth > 0)
        sums += torch.stack([error[kind].sum() for kind in kinds]).cpu()
    return dict(zip(MAPE_PARTS, (sums / task.fine[task.test].numel()).tolist(), strict=True))


def scores_and_weights(
    network: nn.Module, maps: Tensor, external: Tensor
) -> tuple[Tensor, Tensor]:
    """Of every full block: sum of the raw scores that enter the split, and largest |weight|.

    The weight of a cell is its score over the sum of its block.
    """
    last = next(m for m in network.modules() if isinstance(m, Split))
    seen: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network.eval()(maps, external)
    hook.remove()
    factor = seen[0].shape[2] // maps.shape[2]
    total, size = block_sums(seen[0], factor), F.max_pool2d(seen[0].double().abs(), factor)
    return total[maps > 0], (size / (total + 1e-5).abs())[maps > 0]


def largest_weights(fine: Tensor, coarse: Tensor) -> np.ndarray:
    """max |fine| / coarse of every full block: beyond 1, a cell has more than its block."""
    peak = F.max_pool2d(fine.double().abs(), fine.shape[2] // coarse.shape[2])
    return (peak / coarse.clamp_min(1e-9))[coarse > 0].cpu().numpy()


def rescaled(fine: Tensor, coarse: Tensor) -> Tensor:
    """Maps without a constraint, repaired: none negative, and blocks with the coarse sum."""
    factor = fine.shape[2] // coarse.shape[2]
    return conserve(fine.clamp_min(0) + 1e-5, coarse, factor, 0.0)


REPAIRS: dict[str, Change | None] = {
    "as trained": None,
    "clamped at 0": lambda fine, coarse: fine.clamp_min(0),
    "rescaled": rescaled,
}


def repaired(
    predictors: Mapping[str, Predictor], task: Task, losses: Mapping[str, Mapping]
) -> pd.DataFrame:
    """(method, form) -> errors and losses of repairs, then of the network trained with m2."""
    found = {}
    for name in dict.fromkeys(label.split(",")[0] for label in predictors):
        free = predictors[f"{name}, none"]
        for repair, change in REPAIRS.items():
            found[name, repair] = errors_and_losses(free, task, change)
        found[name, "trained with m2"] = losses[f"{name}, m2"]
    return pd.DataFrame(found).T


def bands(x, y, edges: np.ndarray, least: int = 30) -> pd.DataFrame:
    """Quantiles of y in ranges of x, by the mean of x: low (5 %), median, high (95 %).

    Ranges of fewer than `least` values are left out.
    """
    x, y = (np.asarray(values, float).ravel() for values in (x, y))
    place = np.digitize(x, edges)
    ranges = [place == k for k in range(1, len(edges)) if (place == k).sum() >= least]
    rows = [np.quantile(y[own], [0.05, 0.5, 0.95]) for own in ranges]
    at = [x[own].mean() for own in ranges]
    return pd.DataFrame(rows, at, ["low", "median", "high"], float)


def shares_above(values: np.ndarray, points: int = 60) -> pd.Series:
    """Share of positive values that are at least so large, from the smallest to the largest.

    One of the points is `OVER`.
    """
    values = values[values > 0]
    at = np.r_[np.geomspace(values.min(), values.max(), points)[:-1], values.max(), OVER]
    at = np.unique(at)
    return pd.Series([(values >= level).mean() for level in at], at)
