"""Masked errors of a network on a city, and its predictions in the city's unit."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.kernels import masked_error
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task

BATCH = 32  # windows at once where nothing is learned

# (x [B, N, L, C], what is known of the graph) -> scaled speeds [B, N, Q]
Network = Callable[..., Float[Tensor, "b node ahead"]]


def source_loss(network: Network, task: Task, roads: dict, windows: int) -> Float[Tensor, ""]:
    """Mean over source windows, drawn anew; cities share them evenly, the first have one more."""
    total, count = 0.0, len(task.sources)
    for number, city in enumerate(task.sources):
        some = windows // count + (number < windows % count)
        drawn = city.train[torch.randint(len(city.train), (some,)).to(city.train.device)]
        total = total + some / windows * masked_mae(network, city, roads, drawn)
    return total


def masked_mae(
    network: Network, city: CitySpeed, roads: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Masked mean absolute error in units of the city's deviation, so that cities compare."""
    truth, seen = city.scaled_labels(steps)
    guess = network(city.windows(steps), roads[city.name])
    off = torch.where(seen, guess - truth, 0.0)
    return off.abs().sum() / seen.sum().clamp_min(1)


def validation_mae(
    network: Network, city: CitySpeed, roads: dict, steps: Int[Tensor, " s"]
) -> float:
    """The same over many windows, sums pooled."""
    sums = 0.0
    for some in steps.split(BATCH):
        truth, seen = city.scaled_labels(some)
        guess = network(city.windows(some), roads[city.name])
        sums = sums + masked_error(guess, truth, seen)
    return (sums[0].sum() / sums[2].sum().clamp_min(1)).item()


def predict(
    network: Network, roads: dict, task: Task, steps: Int[Tensor, " s"]
) -> Float[Tensor, "s node ahead"]:
    """The target's speeds in its own unit, Q steps from the L before them and its graph (Eq. 1)."""
    with torch.inference_mode():
        city = task.target
        parts = [city.to_forecast(network(city.windows(s), roads[city.name]), s)
                 for s in steps.split(BATCH)]  # fmt: skip
    return torch.cat(parts)
