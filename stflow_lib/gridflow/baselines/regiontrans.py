"""RegionTrans: every target cell learns to look like the source cell it resembles most.

Wang et al., "Cross-city transfer learning for deep spatio-temporal prediction" (IJCAI 2019),
as CrossTReS re-did it: matching before fine-tuning, a penalty on features during it.
"""

from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.regions import poi_shares
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.schedule import forward, weighted_squared_error
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    TransferSettings,
    direction_method,
    finetune,
    pretrain_on_sources,
    stnet,
)


@dataclass(frozen=True)
class RegionTransSettings(TransferSettings):
    """Finetuned plus the match of regions."""

    match: str = "series"  # Pearson correlation of the few-shot series; "poi": cosine of POI
    # Of the penalty on features: the decade with the lowest mean target validation error, taxis and
    # bicycles of New York to Washington, each relative to no penalty (the released code has 1e-3).
    strength: float = 1e-5

    def __post_init__(self):
        if self.match not in ("series", "poi"):
            raise ValueError(f"match {self.match!r}: want series or poi")


@dataclass(frozen=True)
class Match:
    """Each target cell's source cell: which city, which flat index, and how good a match.

    shifts: what to add to a target step for the step of each source at the same hour of the week.
    """

    city: Int[Tensor, " region"]
    cell: Int[Tensor, " region"]
    value: Float[Tensor, " region"]
    shifts: list[int]


def week_shift(target: CityFlow, source: CityFlow) -> int:
    """Steps from a target label to a source label of the same hour and weekday.

    The same calendar week where the source has it for all training labels, else the nearest
    whole weeks away; DataError when the source is too short for either.
    """
    step = pd.Timedelta(target.time[1] - target.time[0])
    week = pd.Timedelta(days=7) // step
    shift = round((target.time[0] - source.time[0]) / step.to_timedelta64())
    first, last = int(target.train[0]) + shift, int(target.train[-1]) + shift
    if first < source.lags:
        shift += -((first - source.lags) // week) * week
    elif last >= len(source.flow):
        shift -= -((len(source.flow) - 1 - last) // week) * week
    first, last = int(target.train[0]) + shift, int(target.train[-1]) + shift
    if first < source.lags or last >= len(source.flow):
        raise DataError(f"{source.name}: too short to be aligned with {target.name} by weeks")
    return shift


def matched(task: Task, by: str) -> Match:
    """The best source cell, over all sources, of every valid target cell; negative matches are 0.

    DataError where POI is asked for and the target has none.
    """
    shifts = [week_shift(task.target, source) for source in task.sources]
    tables = [
        _series_match(task.target, s, shift) if by == "series" else _poi_match(task.target, s)
        for s, shift in zip(task.sources, shifts, strict=True)
    ]
    value, best = torch.cat(tables, 1).max(1)
    owner = torch.cat([torch.full((t.shape[1],), k) for k, t in enumerate(tables)])
    cells = torch.cat([source.cells() for source in task.sources])
    return Match(owner.to(best.device)[best], cells[best], value.clamp_min(0), shifts)


def _series_match(target: CityFlow, source: CityFlow, shift: int) -> Float[Tensor, "r s"]:
    """Pearson correlation of the target's training series with the source's at those hours."""
    pair = (target, target.train), (source, target.train + shift)
    one, two = (_standard(c.labels(steps).T) for c, steps in pair)
    return one @ two.T


def _standard(series: Float[Tensor, "r t"]) -> Float[Tensor, "r t"]:
    """Mean 0 and norm 1 of each row; a constant row is 0."""
    return F.normalize(series - series.mean(1, keepdim=True), dim=1, eps=1e-6)


def _poi_match(target: CityFlow, source: CityFlow) -> Float[Tensor, "r s"]:
    if target.poi is None or source.poi is None or len(target.poi) != len(source.poi):
        raise DataError(f"{target.name}: no POI to match with those of {source.name}")
    one, two = (F.normalize(poi_shares(c.poi, c.mask[0]), dim=1) for c in (target, source))
    return one @ two.T


def matching_loss(
    network: nn.Module,
    task: Task,
    match: Match,
    strength: float,
    city: CityFlow,
    steps: Int[Tensor, " b"],
) -> Float[Tensor, ""]:
    """Prediction error plus strength * sum_r c_r |z_r - z_r*|^2, mean over windows."""
    guess, truth, z = forward(network, city, steps)
    loss = weighted_squared_error(guess, truth)
    for number, source in enumerate(task.sources):
        mine = match.city == number
        windows = source.windows(steps + match.shifts[number])[:, :, 0]
        other = network(windows, match.cell[mine])[1]
        gap = (z[:, mine] - other).square().sum(2)
        loss = loss + strength * (gap * match.value[mine]).mean(0).sum()
    return loss


def fit_matched(
    task: Task, settings: RegionTransSettings, seed: int, folder
) -> FittedDirection:
    """One direction: as Finetuned, with the penalty while fine-tuning; zero-shot has none."""
    learned = pretrain_on_sources(stnet(settings), task, settings, seed, folder)
    if len(task.target.train):
        match = matched(task, settings.match)
        learned.notes["match"] = float(match.value.mean())
        objective = partial(matching_loss, learned.network, task, match, settings.strength)
        return finetune(learned, task, settings, seed, folder, objective=objective)
    return learned


METHOD = direction_method("RegionTrans", RegionTransSettings, fit_matched)
