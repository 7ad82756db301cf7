"""The two rules that learn next to nothing: MEAN and HA."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.training.method import Method, NoSettings, Predictor


@dataclass(frozen=True)
class RatioSettings:
    """How HA averages."""

    ratio: str = "mean"  # "mean": mean over maps of y / x, 0 where x = 0; "sum": sum y / sum x


def fit_mean(task: Task, settings: NoSettings, seed: int, folder: Path | None) -> Predictor:
    """Every fine cell of a block gets the same share, 1 / M^2."""
    return even_split(task.form, settings, {})


def even_split(form: dict, settings: NoSettings, learned: dict) -> Predictor:
    """The predictor of MEAN."""
    return Predictor(
        lambda t, i: upsample_nearest(t.coarse[i], t.factor) / t.factor**2, learned=learned
    )


def fit_ratio(task: Task, settings: RatioSettings, seed: int, folder: Path | None) -> Predictor:
    """Every fine cell gets its historical share of the block, per direction."""
    if settings.ratio not in ("mean", "sum"):
        raise ValueError(f"HA: ratio {settings.ratio!r} is neither mean nor sum")
    count = len(task.directions)
    shares = torch.cat(
        [_share(task, task.train[d::count], settings.ratio) for d in range(count)]
    )

    return split_by_shares(task.form, settings, shares)


def split_by_shares(
    form: dict, settings: RatioSettings, shares: Float[Tensor, "direction 1 fine_row fine_col"]
) -> Predictor:
    """The predictor of HA: shares [D, 1, HM, WM] of fine cells in their blocks by direction."""

    def predict(t: Task, indices: Tensor) -> Tensor:
        return upsample_nearest(t.coarse[indices], t.factor) * shares[indices % len(shares)]

    return Predictor(predict, parameters=shares.numel(), learned=shares)


def _share(task: Task, indices: Tensor, ratio: str) -> Tensor:
    """[1, 1, HM, WM]: the historical share of every fine cell in its block."""
    fine, parent = task.fine[indices], upsample_nearest(task.coarse[indices], task.factor)
    if ratio == "sum":
        return fine.sum(0, keepdim=True) / parent.sum(0, keepdim=True).clamp_min(1e-9)
    return torch.where(parent > 0, fine / parent.clamp_min(1e-9), 0.0).mean(0, keepdim=True)


MEAN = Method("MEAN", NoSettings, fit_mean, even_split)
HA = Method("HA", RatioSettings, fit_ratio, split_by_shares)
