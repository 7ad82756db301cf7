"""Errors by kind of region: a pooled error hides what happens to the rare kinds."""

from collections.abc import Callable, Mapping

import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from stflow_lib.gridflow.task import Task
from stflow_lib.metrics import FlowErrors


def errors_by_kind(
    task: Task,
    predict: Callable[[Task, Tensor], Tensor],
    kinds: Int[Tensor, "row col"],
    names: Mapping[int, str],
    batch: int = 256,
) -> pd.DataFrame:
    """Test errors over the target's valid cells of each kind, rarest kind first.

    kinds [H, W] a number for each cell of the target, names what to call it; cells of a kind
    without a name are left out. Columns: cells (valid ones, mean of the directions), rmse, mae
    in trips per step, pooled in a direction and averaged over directions as in `score`.
    ValueError when the map has another shape than the city.
    """
    if tuple(kinds.shape) != tuple(task.target.flow.shape[2:]):
        want = tuple(task.target.flow.shape[2:])
        raise ValueError(f"kinds {tuple(kinds.shape)}, {task.target.name} has {want} cells")
    ways = range(len(task.directions))
    cells = {k: task.target.mask & (kinds.to(task.device) == k) for k in names}
    pools = {(k, d): FlowErrors() for k in names for d in ways if cells[k][d].any()}
    for steps in task.test.split(batch):
        guess, truth = predict(task, steps), task.target.flow[steps]
        for (k, d), pool in pools.items():
            pool.add(guess[:, d, cells[k][d]], truth[:, d, cells[k][d]])
    rows = [
        {"kind": names[k], "cells": int(cells[k][d].sum()), **pool.result()}
        for (k, d), pool in pools.items()
    ]
    found = pd.DataFrame(rows, columns=["kind", "cells", "rmse", "mae"])
    return found.groupby("kind", sort=False).mean().sort_values("cells", kind="stable")


def main_purpose(task: Task) -> Int[Tensor, "row col"]:
    """The kind of each of the target's cells where types are unknown: its largest POI group.

    -1 where it has none; ValueError for a target without POI.
    """
    poi = task.target.poi
    if poi is None:
        raise ValueError(f"{task.target.name}: no POI to tell kinds of regions by")
    return torch.where(poi.sum(0) > 0, poi.argmax(0), -1)
