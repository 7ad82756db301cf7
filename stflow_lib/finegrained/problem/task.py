"""UrbanSTC's problem as tensors: coarse maps in, fine maps out, the same instant."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import check_city, content_hash
from stflow_lib.finegrained.problem.external_factors import external_factors


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
        """Where the maps lie."""
        return self.coarse.device

    @property
    def form(self) -> dict[str, Any]:
        """What a task must be like to be asked of a predictor that was fitted to this one."""
        ways = len(self.directions)
        step = self.time[ways] - self.time[0] if len(self.time) > ways else np.timedelta64(0)
        return {
            "wing": "finegrained", "city": self.city, "grid": tuple(self.fine.shape[2:]),
            "factor": self.factor, "directions": self.directions, "unit": self.unit,
            "minutes": float(step / np.timedelta64(1, "m")), "external": self.external_names,
        }  # fmt: skip

    @classmethod
    def blank(cls, form: dict[str, Any]) -> "Task":
        """A task of that form with two empty maps in each part: enough to build a network for."""
        (rows, cols), factor = form["grid"], form["factor"]
        both = torch.arange(2)
        return cls(
            form["city"], factor, torch.zeros(2, 1, rows // factor, cols // factor),
            torch.zeros(2, 1, rows, cols), torch.zeros(2, len(form["external"])),
            form["external"], both, both, both, both, np.zeros(2, "datetime64[ns]"),
            form["directions"], form["unit"], "",
        )  # fmt: skip


def make_task(city: xr.Dataset, factor: int, fraction: float = 100, device="cpu") -> Task:
    """Cut a fine grid city into UrbanSTC's task.

    Coarse maps are the block sums of the fine ones (Eq. 1). `factor` is M, `fraction` the
    percentage of training steps kept: the first ones, validation and test are never cut.
    Split: the city's own where it has one, else 2:1:1 by time (UrbanSTC section 5.1.1).
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
    if fraction > 100 or kept < 2:
        raise DataError(f"{city.attrs['name']}: fraction {fraction} % keeps {kept} training steps "
                        f"of {len(parts[0])}")  # fmt: skip
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
        data_hash=content_hash(city),
    )


def _split(city: xr.Dataset, steps: int) -> list[np.ndarray]:
    train, valid = (city.attrs.get("split") or (steps // 2, steps // 4))[:2]
    order = np.arange(steps)
    return [order[:train], order[train : train + valid], order[train + valid :]]


def _samples(steps: np.ndarray, directions: int, device) -> Tensor:
    pairs = steps[:, None] * directions + np.arange(directions)
    return torch.from_numpy(pairs.reshape(-1)).to(device)


def subset(task: Task, name: str) -> Task:
    """The same task judged on another part: `subset(task, "valid").test` is the validation part."""
    return replace(task, test=getattr(task, name))


def padded(task: Task) -> Float[Tensor, "sample 1 pad_row pad_col"]:
    """Coarse maps whose sides divide by M: the target of the super-resolution pretext, vehicles.

    Rows and columns without vehicles are added below and on the right where that takes some.
    """
    height, width = task.coarse.shape[2:]
    return F.pad(task.coarse, (0, -width % task.factor, 0, -height % task.factor))


def coarser(task: Task) -> Float[Tensor, "sample 1 coarser_row coarser_col"]:
    """The coarser granularity maps, block sums by M: the input of the super-resolution pretext.

    [S, 1, H, W] -> [S, 1, H/M, W/M], rounded up, vehicles: those of `padded` maps.
    """
    return F.avg_pool2d(padded(task), task.factor) * task.factor**2
