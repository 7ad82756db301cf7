"""PDFormer trained on the target alone, both directions together (Jiang et al., AAAI 2023).

Left out, because the one training loop of this book has no such thing: the warm-up and the
cosine of the learning rate, and AdamW's decay (5 % of the weights over a whole few-shot
training). Its evaluator passes over labels under 5 trips; here every label counts.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.baselines.pdformer.network import (
    MINUTES,
    WEEKDAYS,
    PDFormer,
    PDFormerSettings,
)
from stflow_lib.gridflow.baselines.pdformer.views import SHAPE_HOURS, Views, views
from stflow_lib.gridflow.problem.calendar import hour_of_day, hour_of_week
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.schedule import train_from_start, with_clipping_and_decay
from stflow_lib.training.method import Method, Predictor, count_parameters, filled

CHUNK = 32  # windows at once where nothing is learned: attention holds cells x cells for each


@dataclass(frozen=True)
class Cells:
    """The target as PDFormer sees it: cells valid in any direction, one z-score for all."""

    cells: Int[Tensor, " cell"]  # flat indices
    valid: Bool[Tensor, "cell direction"]  # what the loss and the errors count
    mean: float
    deviation: float

    def series(self, city: CityFlow) -> Float[Tensor, "time cell direction"]:
        """Trips per step of these cells."""
        return city.flow.flatten(2)[..., self.cells].transpose(1, 2)

    def inputs(
        self, city: CityFlow, steps: Int[Tensor, " b"]
    ) -> tuple[
        Float[Tensor, "b lag cell direction"], Int[Tensor, "b lag"], Int[Tensor, "b lag"]
    ]:
        """The network's arguments for the label steps."""
        hours = steps[:, None] + torch.arange(-city.lags, 0, device=steps.device)
        x = city.flow[hours].flatten(3)[..., self.cells].transpose(2, 3)
        week = torch.from_numpy(hour_of_week(city.time[hours.cpu().numpy().ravel()]))
        week = week.to(steps.device).view(hours.shape)
        return (x - self.mean) / self.deviation, week % MINUTES, week // MINUTES

    def trips(
        self, out: Float[Tensor, "b cell direction"]
    ) -> Float[Tensor, "b cell direction"]:
        """Z-scores in trips per step."""
        return out * self.deviation + self.mean


def cells_of(city: CityFlow) -> Cells:
    """Cells and z-score of the city's training hours."""
    cells = city.mask.any(0).flatten().nonzero()[:, 0]
    own = city.flow[city.train].flatten(2)[..., cells].double()
    valid = city.mask.flatten(1)[:, cells].T
    return Cells(cells, valid, own.mean().item(), max(own.std().item(), 1e-6))


def known_of(city: CityFlow, cells: Cells, seed: int) -> Views:
    """What may be known of the city from its training hours."""
    width = city.flow.shape[3]
    where = torch.stack([cells.cells // width, cells.cells % width], 1)
    minutes = torch.from_numpy(hour_of_day(city.time[city.train.cpu().numpy()]))
    series = (cells.series(city)[city.train] - cells.mean) / cells.deviation
    weekday = cells.inputs(city, city.train)[2]
    weekdays = torch.bincount(weekday.flatten(), minlength=WEEKDAYS) > 0
    return views(series, (minutes // 60).to(where), where, weekdays, seed)


def fit(task: Task, settings: PDFormerSettings, seed: int, folder: Path | None) -> Predictor:
    """On the target's days; its validation labels choose the epoch. DataError in zero-shot."""
    city, plan = task.target, settings.training
    if len(city.train) < SHAPE_HOURS:
        raise DataError(f"{city.name}: {len(city.train)} training steps, PDFormer needs days")
    cells = cells_of(city)
    torch.manual_seed(seed)
    known = known_of(city, cells, seed)
    network = PDFormer(city.lags, known, settings).to(task.device)

    def loss(batch: Int[Tensor, "b 2"]) -> Float[Tensor, ""]:
        guess, truth = _pair(network, cells, city, batch[:, 1])
        error = F.huber_loss(guess, truth, delta=settings.huber)
        return with_clipping_and_decay(error, [network], plan)

    samples = torch.stack([torch.zeros_like(city.train), city.train], 1)
    score = lambda: _rmse(network, cells, city, plan.validation(city.valid))
    history = train_from_start(network, loss, samples, score, plan, seed=seed, folder=folder)
    return Predictor.after(
        partial(_predict, network, cells), count_parameters(network), {"": history},
        learned={"network": network, "known": vars(known), "cells": vars(cells)},
    )  # fmt: skip


def restored(form: dict, settings: PDFormerSettings, learned: dict) -> Predictor:
    """The predictor with the weights that it had learned, and what it knows of the city."""
    network = PDFormer(form["lags"], Views(**learned["known"]), settings)
    network = filled(network, learned["network"])
    return Predictor(partial(_predict, network, Cells(**learned["cells"])))


def _pair(
    network: PDFormer, cells: Cells, city: CityFlow, steps: Int[Tensor, " b"]
) -> tuple[Float[Tensor, "b valid"], Float[Tensor, "b valid"]]:
    """Prediction and truth in trips of all valid cells and directions, one long row each."""
    truth = city.flow[steps].flatten(2)[..., cells.cells].transpose(1, 2)
    guess = cells.trips(network(*cells.inputs(city, steps)))
    return guess[:, cells.valid], truth[:, cells.valid]


def _rmse(network: PDFormer, cells: Cells, city: CityFlow, steps: Int[Tensor, " b"]) -> float:
    parts = [_pair(network, cells, city, some) for some in steps.split(CHUNK)]
    return torch.cat([(a - b).square().flatten() for a, b in parts]).mean().sqrt().item()


def _predict(
    network: PDFormer, cells: Cells, task: Task, steps: Int[Tensor, " b"]
) -> Float[Tensor, "b direction row col"]:
    maps = torch.zeros_like(task.target.flow[steps])
    network.eval()
    with torch.inference_mode():
        parts = [network(*cells.inputs(task.target, some)) for some in steps.split(CHUNK)]
    maps.flatten(2)[..., cells.cells] = cells.trips(torch.cat(parts)).transpose(1, 2)
    return maps


METHOD = Method("PDFormer", PDFormerSettings, fit, restored)
