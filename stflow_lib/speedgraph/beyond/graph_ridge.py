"""Ridge told of its neighbours: a linear map from a sensor's own lags and those around it."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.baselines.ridge import RidgeSettings, chosen, design
from stflow_lib.speedgraph.networks.graph_operators import propagate, transitions
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.training.method import Method, Predictor

KINDS = 3  # of lags: of neighbours along the ways, against them, the sensor's own


class GraphSpeed(CitySpeed):
    """A city with `KINDS` times the lags: those of the neighbours come before a sensor's own."""

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node lag feature"]:
        """Weighted mean lags of the neighbours along and against the ways, then the own ones.

        A sensor without neighbours in a direction has its own lags there.
        """
        own = CitySpeed.windows(replace(self, lags=self.lags // KINDS), steps)
        around = [propagate(_or_itself(ways), own) for ways in transitions(self.weights)]
        return torch.cat([*around, own], 2)


def _or_itself(ways: Tensor) -> Tensor:
    return ways + torch.diag((ways.sum(1) == 0).to(ways))


def with_neighbours(city: CitySpeed) -> CitySpeed:
    """The city as `GraphSpeed`."""
    return GraphSpeed(**vars(city) | {"lags": KINDS * city.lags})


@dataclass(frozen=True)
class Forecaster:
    """The linear map [3 L + 1, Q] of scaled lags, neighbours' first, and a constant."""

    weights: Float[Tensor, "feature ahead"]

    def __call__(self, task: Task, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node ahead"]:
        """Speeds in the target's unit."""
        city = with_neighbours(task.target)
        return city.unscale(design(city, steps) @ self.weights).float()


def fit(task: Task, settings: RidgeSettings, seed: int, folder: Path | None) -> Predictor:
    """Target alone, as Ridge: weights towards the last value; DataError without days."""
    weights, best = chosen(with_neighbours(task.target), settings)
    return replace(restored(task.form, settings, weights), notes={"strength": best})


def restored(
    form: dict, settings: RidgeSettings, weights: Float[Tensor, "feature ahead"]
) -> Predictor:
    """The predictor of a linear map."""
    return Predictor(Forecaster(weights), weights.numel(), learned=weights)


METHOD = Method(
    "Graph ridge", RidgeSettings, partial(on_roads, "Graph ridge", fit), restored, anywhere=True
)
