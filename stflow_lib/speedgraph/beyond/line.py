"""A linear map from a sensor, its neighbours, the city's mean and the hour to changes of speed.

Shrunk in two stages: the sources' map to "no change", the target's own to the sources'.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.beyond.graph_ridge import KINDS, with_neighbours
from stflow_lib.speedgraph.problem.city import CitySpeed

CHUNK = 32  # windows at once
HOURS = 24
TREND = 3  # steps over which the change of the city's mean is told


@dataclass(frozen=True)
class LineSettings:
    """How firmly each stage is held to the one before it."""

    lent: float = 1e-3  # the sources' map, to no change
    # As how many windows of its own the sources' map counts in the target, tried; inf: it stays.
    own: tuple[float, ...] = (1.0, 10.0, 100.0, math.inf)
    windows: int = 300  # of each source, drawn once for all seeds


def features(city: CitySpeed, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node feature"]:
    """What the map reads of each sensor, in its city's scale; float64.

    Minus the last input: mean lags of the neighbours along and against the ways, own older lags,
    the city's mean; then its change over `TREND` steps, the last input, and for each hour of the
    day whether the first label lies in it, also times the last input.
    """
    lags = with_neighbours(city).windows(steps)[..., 0]
    last, now = lags[..., -1:], city.scaled[steps - 1].mean(1)
    trend = now - city.scaled[steps - 1 - TREND].mean(1)
    hour = F.one_hot((city.clock[steps] * HOURS).long() % HOURS, HOURS).to(lags)
    shared = [x[:, None].expand(-1, lags.shape[1], -1) for x in (trend[:, None], hour)]
    mean = now[:, None, None] - last
    parts = [lags[..., :-1] - last, mean, shared[0], last, shared[1], shared[1] * last]
    return torch.cat(parts, 2).double()


def changes(
    city: CitySpeed, steps: Int[Tensor, " b"]
) -> tuple[Float[Tensor, "b node ahead"], Float[Tensor, "b node"]]:
    """Scaled labels minus the last input, and 1 where all of a window's labels were measured."""
    speed, seen = city.labels(steps)
    change = (speed.double() - city.mean) / city.deviation - city.scaled[steps - 1][..., None]
    whole = seen.all(2)
    return torch.where(whole[..., None], change, 0.0), whole.double()


def count(city: CitySpeed) -> int:
    """How many features there are."""
    return KINDS * city.lags + 2 + 2 * HOURS


@dataclass(frozen=True)
class Line:
    """Weights [F, Q] of features; float64."""

    weights: Float[Tensor, "feature ahead"]

    def __call__(
        self, city: CitySpeed, steps: Int[Tensor, " b"]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled changes since the last input; float64."""
        return torch.cat([features(city, some) @ self.weights for some in steps.split(CHUNK)])


def no_change(city: CitySpeed) -> Line:
    """The map that repeats the last input."""
    return Line(
        torch.zeros(count(city), city.ahead, dtype=torch.double, device=city.speed.device)
    )


@dataclass(frozen=True)
class Moments:
    """Means over measured windows of sensors: x x^T [F, F] and x y [F, Q]."""

    gram: Float[Tensor, "feature feature"]
    moment: Float[Tensor, "feature ahead"]

    @classmethod
    def of(cls, city: CitySpeed, steps: Int[Tensor, " s"]) -> "Moments":
        """Over the windows of a city; zeros where nothing was measured."""
        gram, moment, rows = 0.0, 0.0, 0.0
        for some in steps.split(CHUNK):
            x, (y, whole) = features(city, some), changes(city, some)
            gram = gram + torch.einsum("bnf,bng,bn->fg", x, x, whole)
            moment = moment + torch.einsum("bnf,bnq->fq", x, y)
            rows += whole.sum().item()
        return cls(gram / max(rows, 1.0), moment / max(rows, 1.0))

    @classmethod
    def mean(cls, some: Sequence["Moments"]) -> "Moments":
        """Of cities, each counting alike."""
        grams, moments = zip(*((one.gram, one.moment) for one in some), strict=True)
        return cls(torch.stack(grams).mean(0), torch.stack(moments).mean(0))

    def after(self, prior: Line, strength: float) -> Line:
        """The least of mean |y - x w|^2 + strength * mean x^2 * |w - prior|^2; inf: the prior."""
        if math.isinf(strength):
            return prior
        held = self.gram + strength * torch.diag(self.gram.diagonal().clamp_min(1e-6))
        left = self.moment - self.gram @ prior.weights
        return Line(prior.weights + torch.linalg.solve(held, left))


def lent_line(sources: Sequence[CitySpeed], settings: LineSettings) -> Line:
    """What the sources say together, each of them alike."""
    some = [Moments.of(city, drawn(city.train, settings.windows)) for city in sources]
    return Moments.mean(some).after(no_change(sources[0]), settings.lent)


def drawn(steps: Int[Tensor, " s"], most: int) -> Int[Tensor, " some"]:
    """At most so many windows, the same for every seed, in their order."""
    order = torch.randperm(len(steps), generator=torch.Generator().manual_seed(0))
    return steps[order[:most].sort().values.to(steps.device)]


def own_line(prior: Line, city: CitySpeed, steps: Int[Tensor, " s"], counts: float) -> Line:
    """The target's map from windows of `steps`, where the prior counts as `counts` of them."""
    return Moments.of(city, steps).after(prior, counts / len(steps))


def chosen_counts(prior: Line, city: CitySpeed, settings: LineSettings) -> float:
    """As how many windows the prior counts where MAE times RMSE on validation windows is least."""
    moments = Moments.of(city, city.train)
    line = lambda counts: moments.after(prior, counts / len(city.train))
    return min(settings.own, key=lambda counts: _loss(line(counts), city))


def _loss(line: Line, city: CitySpeed) -> float:
    y, whole = changes(city, city.valid)
    off = (line(city, city.valid) - y)[whole > 0]
    return (off.abs().mean() * off.square().mean().sqrt()).item()
