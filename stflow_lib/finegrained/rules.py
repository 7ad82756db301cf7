"""The two rules that learn next to nothing: MEAN and HA."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from stflow_lib.finegrained.task import Task
from stflow_lib.fit import Method, Predictor


@dataclass(frozen=True)
class NoSettings:
    """MEAN has nothing to set."""


@dataclass(frozen=True)
class RatioSettings:
    """How HA averages."""

    ratio: str = "mean"  # "mean": mean over maps of y / x, 0 where x = 0; "sum": sum y / sum x


def enlarge(coarse: Float[Tensor, "b 1 r c"], factor: int) -> Float[Tensor, "b 1 fr fc"]:
    """Every fine cell gets its coarse cell's value: [B, 1, H, W] -> [B, 1, HM, WM]."""
    return F.interpolate(coarse, scale_factor=factor, mode="nearest")


def fit_mean(task: Task, settings: NoSettings, seed: int, folder: Path | None) -> Predictor:
    """Every fine cell of a block gets the same share, 1 / M^2."""
    return Predictor(lambda t, i: enlarge(t.coarse[i], t.factor) / t.factor**2)


def fit_ratio(task: Task, settings: RatioSettings, seed: int, folder: Path | None) -> Predictor:
    """Every fine cell gets its historical share of the block, per direction (spec 5.2)."""
    if settings.ratio not in ("mean", "sum"):
        raise ValueError(f"HA: ratio {settings.ratio!r} is neither mean nor sum")
    count = len(task.directions)
    shares = torch.cat(
        [_share(task, task.train[d::count], settings.ratio) for d in range(count)]
    )

    def predict(t: Task, indices: Tensor) -> Tensor:
        return enlarge(t.coarse[indices], t.factor) * shares[indices % count]

    return Predictor(predict, parameters=shares.numel())


def _share(task: Task, indices: Tensor, ratio: str) -> Tensor:
    """[1, 1, HM, WM]: the historical share of every fine cell in its block."""
    fine, parent = task.fine[indices], enlarge(task.coarse[indices], task.factor)
    if ratio == "sum":
        return fine.sum(0, keepdim=True) / parent.sum(0, keepdim=True).clamp_min(1e-9)
    return torch.where(parent > 0, fine / parent.clamp_min(1e-9), 0.0).mean(0, keepdim=True)


MEAN = Method("MEAN", NoSettings, fit_mean)
HA = Method("HA", RatioSettings, fit_ratio)
