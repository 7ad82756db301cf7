"""Ridge on lags: one linear map from the window to all steps ahead, shared by all sensors."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Method, Predictor

CHUNK = 256  # windows at once


@dataclass(frozen=True)
class RidgeSettings:
    """Which strengths of shrinkage are tried; the target's validation windows choose."""

    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # times the mean square


def fit(task: Task, settings: RidgeSettings, seed: int, folder: Path | None) -> Predictor:
    """Target alone: weights towards the last value, the more the stronger.

    DataError without days.
    """
    weights, best = chosen(task.target, settings)
    return replace(restored(task.form, settings, weights), notes={"strength": best})


def restored(
    form: dict, settings: RidgeSettings, weights: Float[Tensor, "feature ahead"]
) -> Predictor:
    """The predictor of a linear map of scaled lags and a constant."""

    def predict(task: Task, steps: Tensor) -> Tensor:
        return task.target.unscale(design(task.target, steps) @ weights).float()

    return Predictor(predict, parameters=weights.numel(), learned=weights)


def chosen(
    city: CitySpeed, settings: RidgeSettings
) -> tuple[Float[Tensor, "feature ahead"], float]:
    """The map and its strength; DataError without days.

    On validation windows the product of MAE and RMSE is least, so that a percent of either
    counts alike; then the map is fitted on all visible windows.
    """
    if not len(city.known):
        raise DataError(f"{city.name}: no day to learn from")
    tried = {
        s: math.prod(errors(city, solved(city, city.train, s), city.valid))
        for s in settings.strengths
    }
    best = min(tried, key=tried.__getitem__)
    return solved(city, city.known, best), best


def design(city: CitySpeed, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node feature"]:
    """Scaled window, then 1; float64."""
    x = city.windows(steps)[..., 0].double()
    return torch.cat([x, torch.ones_like(x[..., :1])], 2)


def solved(
    city: CitySpeed, steps: Int[Tensor, " s"], strength: float
) -> Float[Tensor, "feature ahead"]:
    """argmin of the masked squared error + strength * unit * |w - last value|^2, step by step."""
    prior = last_value(city)
    gram, moment = moments(city, steps, prior)
    unit = gram.diagonal(dim1=1, dim2=2).mean(1).clamp_min(1e-12)
    held = gram + strength * unit[:, None, None] * torch.eye(gram.shape[1]).to(gram)
    return prior + torch.linalg.solve(held, moment).T


def last_value(city: CitySpeed) -> Float[Tensor, "feature ahead"]:
    """The map that repeats the newest input."""
    prior = torch.zeros(city.lags + 1, city.ahead, dtype=torch.double, device=city.speed.device)
    prior[city.lags - 1] = 1
    return prior


def moments(
    city: CitySpeed, steps: Int[Tensor, " s"], prior: Float[Tensor, "feature ahead"]
) -> tuple[Float[Tensor, "ahead feature feature"], Float[Tensor, "ahead feature"]]:
    """Sums of x x^T [Q, F, F] and of x (y - prior) [Q, F] over labels that were measured."""
    gram, moment = 0.0, 0.0
    for some in steps.split(CHUNK):
        x = design(city, some)
        truth, seen = city.labels(some)
        left = torch.where(seen, (truth.double() - city.mean) / city.deviation - x @ prior, 0.0)
        gram = gram + torch.einsum("bnf,bng,bnq->qfg", x, x, seen.double())
        moment = moment + torch.einsum("bnf,bnq->qf", x, left)
    return gram, moment


def errors(
    city: CitySpeed, weights: Float[Tensor, "feature ahead"], steps: Int[Tensor, " s"]
) -> tuple[float, float]:
    """Masked MAE and RMSE in scaled units."""
    absolute, squared, count = 0.0, 0.0, 0.0
    for some in steps.split(CHUNK):
        truth, seen = city.labels(some)
        off = design(city, some) @ weights - (truth.double() - city.mean) / city.deviation
        absolute += off.abs()[seen].sum().item()
        squared += off.square()[seen].sum().item()
        count += seen.sum().item()
    return absolute / max(count, 1), (squared / max(count, 1)) ** 0.5


METHOD = Method("Ridge", RidgeSettings, fit, restored, anywhere=True)
