"""From the name of a run to its task."""

from functools import lru_cache

import torch
import xarray as xr

from stflow_lib.data import load
from stflow_lib.finegrained.problem.task import Task, make_task


@lru_cache(maxsize=4)
def _city(name: str) -> xr.Dataset:
    return load(name)


def open_task(run) -> Task:
    """The task of a run: protocol "x4" is M = 4, scarcity "20" the first 20 % of training."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return make_task(_city(run.city), int(run.protocol[1:]), float(run.scarcity), device)
