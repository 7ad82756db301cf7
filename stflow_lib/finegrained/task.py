"""UrbanSTC's problem as tensors: coarse maps in, fine maps out, the same instant."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Float, Int
from pandas.tseries.holiday import USFederalHolidayCalendar
from torch import Tensor

from stflow_lib.data import load
from stflow_lib.data.schema import DataError, check_city
from stflow_lib.metrics import FlowErrors

CALENDAR = ("holiday", "weekend", "weekday", "hour")


@dataclass(frozen=True)
class Task:
    """One city's maps on one device. A sample is one direction at one time step.

    coarse [S, 1, H, W] and fine [S, 1, HM, WM] in vehicles per step, S = steps x directions in
    chronological order; external [S, E] with one name per column, or no columns.
    train, valid, test: sample indices, split by time; train may be a chronological prefix.
    """

    city: str
    factor: int
    coarse: Float[Tensor, "sample 1 row col"]
    fine: Float[Tensor, "sample 1 fine_row fine_col"]
    external: Float[Tensor, "sample factor"]
    external_names: tuple[str, ...]
    train: Int[Tensor, " train"]
    valid: Int[Tensor, " valid"]
    test: Int[Tensor, " test"]
    train_all: Int[Tensor, " train_all"]
    time: np.ndarray
    directions: tuple[str, ...]
    unit: str
    data_hash: str

    @property
    def device(self) -> torch.device:
        return self.coarse.device


def make_task(city: xr.Dataset, factor: int, fraction: float = 100, device="cpu") -> Task:
    """Cut a fine grid city into UrbanSTC's task.

    `factor` is M, `fraction` the percentage of training steps kept: the first ones
    (spec of the released code: a chronological prefix; validation and test are never cut).
    Split: the city's own where it has one, else 2:1:1 by time (UrbanSTC section 4.1).
    Raises DataError when the grid does not divide by M or too few steps remain.
    """
    check_city(city)
    steps, directions, rows, cols = city.flow.shape
    if rows % factor or cols % factor:
        raise DataError(
            f"{city.attrs['name']}: grid {rows}x{cols} does not divide by M={factor}"
        )
    flow = torch.from_numpy(np.ascontiguousarray(city.flow.values, dtype=np.float32))
    fine = flow.reshape(steps * directions, 1, rows, cols).to(device)
    columns, names = external_factors(city)
    parts = _split(city, steps)
    kept = int(len(parts[0]) * fraction / 100)
    if kept < 2:
        raise DataError(
            f"{city.attrs['name']}: fraction {fraction} % keeps {kept} training steps"
        )
    samples = [_samples(part, directions, device) for part in (parts[0][:kept], *parts)]
    return Task(
        city=city.attrs["name"],
        factor=factor,
        fine=fine,
        coarse=F.avg_pool2d(fine, factor) * factor**2,
        external=torch.from_numpy(columns).repeat_interleave(directions, 0).to(device),
        external_names=names,
        train=samples[0],
        train_all=samples[1],
        valid=samples[2],
        test=samples[3],
        time=np.repeat(city.time.values, directions),
        directions=tuple(str(d) for d in city.direction.values),
        unit=city.attrs["unit"],
        data_hash=city.attrs["sha256"],
    )


@lru_cache(maxsize=4)
def _city(name: str) -> xr.Dataset:
    return load(name)


def open_task(run) -> Task:
    """The task of a run: protocol "x4" is M = 4, scarcity "20" the first 20 % of training."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return make_task(_city(run.city), int(run.protocol[1:]), float(run.scarcity), device)


def _split(city: xr.Dataset, steps: int) -> list[np.ndarray]:
    train, valid = (city.attrs.get("split") or (steps // 2, steps // 4))[:2]
    order = np.arange(steps)
    return [order[:train], order[train : train + valid], order[train + valid :]]


def _samples(steps: np.ndarray, directions: int, device) -> Tensor:
    pairs = steps[:, None] * directions + np.arange(directions)
    return torch.from_numpy(pairs.reshape(-1)).to(device)


def external_factors(city: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The city's own factors [T, E], else the calendar's where its clock is known."""
    if "external" in city:
        return city.external.values.astype(np.float32), tuple(map(str, city.factor.values))
    if city.attrs["zone"] == "nominal":
        return np.zeros((city.sizes["time"], 0), np.float32), ()
    time = pd.DatetimeIndex(city.time.values)
    columns = [
        _holidays(time, city.attrs["zone"]),
        time.dayofweek > 4,
        time.dayofweek + 1,
        time.hour,
    ]
    return np.stack(columns, 1).astype(np.float32), CALENDAR


def _holidays(time: pd.DatetimeIndex, zone: str) -> np.ndarray:
    """US federal holidays for American clocks; elsewhere none is known."""
    if not zone.startswith("America/"):
        return np.zeros(len(time))
    days = USFederalHolidayCalendar().holidays(time[0].normalize(), time[-1])
    return time.normalize().isin(days)


def subset(task: Task, name: str) -> Task:
    """The same task judged on another part: `subset(task, "valid").test` is the validation part."""
    return replace(task, test=getattr(task, name))


def coarser(task: Task) -> Float[Tensor, "sample 1 coarser_row coarser_col"]:
    """Block sums of the coarse maps by M: the input of the super-resolution pretext.

    [S, 1, H, W] -> [S, 1, H/M, W/M], vehicles; ValueError when H or W does not divide by M.
    """
    height, width = task.coarse.shape[2:]
    if height % task.factor or width % task.factor:
        raise ValueError(
            f"{task.city}: coarse {height}x{width} does not divide by {task.factor}"
        )
    return F.avg_pool2d(task.coarse, task.factor) * task.factor**2


def score(task: Task, predict, batch: int = 256) -> dict:
    """Errors on the test part in real units, per direction, and what the constraint lost.

    `predict(task, indices [B]) -> [B, 1, HM, WM]`. Returns {"metrics", "parts"}: metrics as in
    UrbanSTC section 4.2, `conservation` = largest relative gap between a block's sum and
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


def block_losses(fine: Tensor, coarse: Tensor, factor: int) -> tuple[float, int, int]:
    """Largest relative gap of a block that got anything, number of dead and of non-empty blocks.

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
