"""A linear rule on each cell's own window: no neighbours, no network, closed form.

It shows how much of a network's gain comes from maps at all. One rule serves all cells, so it
can be carried from city to city: each stage shrinks to what the stage before has found, the
first to "the last value again".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.calendar import hour_of_day
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Method, Predictor

HOURS = 24
CHUNK = 256  # label steps at once


@dataclass(frozen=True)
class LinearSettings:
    """How the rule depends on the clock, and how firmly it is held."""

    by_hour: bool = True  # weights for each hour of the day; False: the same at all hours
    strengths: tuple[float, ...] = (
        1e-5,
        1e-4,
        1e-3,
        1e-2,
        1e-1,
        1.0,
    )  # of the shrinkage, tried


@dataclass
class Rule:
    """Weights [S, L + 1], oldest hour first, a constant last; S = 24 hours or 1."""

    weights: Float[Tensor, "slot feature"]
    strengths: dict[str, float] = field(default_factory=dict)  # kept in each stage

    def __call__(self, city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, "b region"]:
        """Scaled predictions for the valid cells of a one-direction city."""
        x, slots = design(city, steps), slots_of(city, steps, len(self.weights))
        return torch.einsum("brf,bf->br", x, self.weights[slots])


def fit(task: Task, settings: LinearSettings, seed: int, folder: Path | None) -> Predictor:
    """On the sources, where there are any, then on the target's days; directions apart.

    In each stage that stage's validation labels choose the strength. Zero-shot uses the
    sources' rule as it is. DataError when there is neither a source nor a training day.
    """
    if not (task.sources or len(task.target.train)):
        raise DataError(f"{task.target.name}: no source and no training day to learn from")
    rules = [fit_rule(task.only(d), settings) for d in range(len(task.directions))]
    fitted = restored(task.form, settings, [rule.weights for rule in rules])
    fitted.notes = {way: r.strengths for way, r in zip(task.directions, rules, strict=True)}
    return fitted


def restored(
    form: dict, settings: LinearSettings, weights: list[Float[Tensor, "slot feature"]]
) -> Predictor:
    """The predictor of a rule for each direction."""

    def predict(t: Task, steps: Int[Tensor, " b"]) -> Float[Tensor, "b direction row col"]:
        ways = [(Rule(own), t.target.only(d)) for d, own in enumerate(weights)]
        return torch.cat([city.on_map(rule(city, steps)) for rule, city in ways], 1)

    return Predictor(predict, sum(own.numel() for own in weights), learned=weights)


def fit_rule(task: Task, settings: LinearSettings) -> Rule:
    """The rule of a one-direction task after all its stages."""
    rule = Rule(last_value(HOURS if settings.by_hour else 1, task.target))
    stages = {"source": task.sources, "target": (task.target,)}
    for name, cities in stages.items():
        if sum(len(city.train) for city in cities):
            rule = shrunk(rule, cities, settings.strengths, name)
    return rule


def last_value(slots: int, city: CityFlow) -> Float[Tensor, "slot feature"]:
    """The weights that repeat the hour before."""
    weights = torch.zeros(slots, city.lags + 1, dtype=torch.double, device=city.flow.device)
    weights[:, city.lags - 1] = 1
    return weights


def shrunk(
    prior: Rule, cities: Sequence[CityFlow], strengths: Sequence[float], stage: str
) -> Rule:
    """The least of |y - x w|^2 + lambda |w - prior|^2 for the strength that validates best.

    Slot by slot, lambda = strength times the mean square of a feature, summed over samples; if
    no strength beats the prior on the validation labels, the prior stays.
    """
    gram, moment = moments(prior, cities)
    unit = gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp_min(1e-12)
    tried = {float("inf"): prior.weights}
    for strength in strengths:
        held = gram + strength * unit * torch.eye(gram.shape[1]).to(gram)
        tried[strength] = prior.weights + torch.linalg.solve(held, moment)
    errors = {s: valid_rmse(Rule(w), cities) for s, w in tried.items()}
    best = min(errors, key=errors.__getitem__)
    return Rule(tried[best], prior.strengths | {stage: best})


def moments(
    prior: Rule, cities: Sequence[CityFlow]
) -> tuple[Float[Tensor, "slot feature feature"], Float[Tensor, "slot feature"]]:
    """Sums of x x^T and of x (y - prior) over training labels and valid cells, slot by slot."""
    slots, features = prior.weights.shape
    gram = prior.weights.new_zeros(slots, features, features)
    moment = torch.zeros_like(prior.weights)
    for city in cities:
        for steps in city.train.split(CHUNK):
            x, own = design(city, steps), slots_of(city, steps, slots)
            left = city.labels(steps).double() - prior(city, steps)
            gram.index_add_(0, own, torch.einsum("brf,brg->bfg", x, x))
            moment.index_add_(0, own, torch.einsum("brf,br->bf", x, left))
    return gram, moment


def valid_rmse(rule: Rule, cities: Sequence[CityFlow]) -> float:
    """Mean over cities of the scaled RMSE on their validation labels."""
    errors = []
    for city in cities:
        parts = [
            (rule(city, s) - city.labels(s).double()).square() for s in city.valid.split(CHUNK)
        ]
        errors.append(torch.cat(parts).mean().sqrt().item())
    return sum(errors) / len(errors)


def design(city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, "b region feature"]:
    """[B, R, L + 1]: the window of each valid cell, oldest hour first, then 1; float64."""
    x = city.windows(steps)[:, :, 0].flatten(2)[..., city.cells()].transpose(1, 2).double()
    return torch.cat([x, torch.ones_like(x[..., :1])], 2)


def slots_of(city: CityFlow, steps: Int[Tensor, " b"], slots: int) -> Int[Tensor, " b"]:
    """The hour of the day of each label where there are 24 slots, else 0."""
    hours = torch.from_numpy(hour_of_day(city.time[steps.cpu().numpy()]) // 60)
    return hours.to(steps.device, torch.long) % slots


METHOD = Method("Linear", LinearSettings, fit, restored, anywhere=True)
