"""A linear rule for each hour of the day on `context.features`, shrunk stage by stage.

From "the last value again" to one rule of the sources for all hours, from there to one for each
hour, and from there, in the same two steps, to the target's own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.baselines.linear import HOURS, slots_of
from stflow_lib.gridflow.beyond.context import Told, features


@dataclass(frozen=True)
class LineSettings:
    """How firmly each stage is held to the one before it, in mean squares of a feature."""

    together: float = 1e-3  # the sources' rule for all hours, to the last value
    apart: float = 0.03  # that of each hour, to the one for all
    # The target's two stages, tried; its validation labels choose, also to stay (inf).
    own_together: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, math.inf)
    own_apart: tuple[float, ...] = (1e-2, 1e-1, 1.0, math.inf)


@dataclass(frozen=True)
class Line:
    """Weights [24, F] of features, a row for each hour of the day; float64."""

    weights: Float[Tensor, "hour feature"]

    def __call__(self, told: Told, direction: int) -> Float[Tensor, "s region"]:
        """Scaled forecasts for the direction's valid cells; float64."""
        return self.on(features(told, direction), slots_of(told.city, told.steps, HOURS))

    def on(
        self, x: Float[Tensor, "s region feature"], hours: Int[Tensor, " s"]
    ) -> Float[Tensor, "s region"]:
        """Scaled forecasts of features at hours of the day."""
        return torch.einsum("brf,bf->br", x, self.weights[hours])


@dataclass(frozen=True)
class Moments:
    """Sums over labels and cells, hour by hour: x x^T [24, F, F] and x y [24, F]."""

    gram: Float[Tensor, "hour feature feature"]
    moment: Float[Tensor, "hour feature"]

    @classmethod
    def of(cls, told: Told, direction: int) -> "Moments":
        """Over all labels of one city that were told the same days."""
        x, hours = features(told, direction), slots_of(told.city, told.steps, HOURS)
        size, y = x.shape[2], told.labels(direction)
        gram, moment = x.new_zeros(HOURS, size, size), x.new_zeros(HOURS, size)
        gram.index_add_(0, hours, torch.einsum("brf,brg->bfg", x, x))
        moment.index_add_(0, hours, torch.einsum("brf,br->bf", x, y))
        return cls(gram, moment)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.gram + other.gram, self.moment + other.moment)

    def after(self, prior: Line, strength: float, together: bool) -> Line:
        """The least of |y - x w|^2 + strength * unit * |w - prior|^2; at inf the prior stays.

        `together`: all hours are changed by the same, and the unit of a feature is its sum of
        squares; else each hour is changed by its own, and the unit is the mean hour's sum.
        """
        if math.isinf(strength):
            return prior
        left = self.moment - torch.einsum("hfg,hg->hf", self.gram, prior.weights)
        gram, left = (x.sum(0, keepdim=True) if together else x for x in (self.gram, left))
        unit = gram.diagonal(dim1=1, dim2=2).mean(0).clamp_min(1e-9)
        held = gram + strength * torch.diag(unit)
        return Line(prior.weights + torch.linalg.solve(held, left))


def total(told: Sequence[Told], direction: int) -> Moments:
    """Moments of all parts."""
    return reduce(Moments.__add__, (Moments.of(part, direction) for part in told))


def last_value(told: Told, direction: int) -> Line:
    """The rule that repeats the hour before."""
    size = features(Told(told.city, told.steps[:1], told.days, told.day), direction).shape[2]
    weights = torch.zeros(HOURS, size, dtype=torch.double, device=told.steps.device)
    weights[:, told.city.lags - 1] = 1
    return Line(weights)


def lent_line(told: Sequence[Told], direction: int, settings: LineSettings) -> Line:
    """What the sources say."""
    moments, prior = total(told, direction), last_value(told[0], direction)
    common = moments.after(prior, settings.together, together=True)
    return moments.after(common, settings.apart, together=False)


@dataclass(frozen=True)
class Strengths:
    """How firmly the target's two stages are held."""

    together: float
    apart: float

    def line(self, prior: Line, moments: Moments) -> Line:
        """The target's rule."""
        common = moments.after(prior, self.together, together=True)
        return moments.after(common, self.apart, together=False)


def own_strengths(
    prior: Line, moments: Moments, judge: Told, direction: int, settings: LineSettings
) -> Strengths:
    """Those whose rule has the least squared error on the labels that judge."""
    tried = [Strengths(*s) for s in product(settings.own_together, settings.own_apart)]
    x, hours = features(judge, direction), slots_of(judge.city, judge.steps, HOURS)
    y = judge.labels(direction)
    error = lambda s: (s.line(prior, moments).on(x, hours) - y).square().mean().item()
    return min(tried, key=error)
