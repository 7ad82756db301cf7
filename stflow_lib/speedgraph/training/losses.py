"""Masked errors of a network on a city, and its predictions in the city's unit."""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.kernels import masked_error
from stflow_lib.speedgraph.networks.city_norm import at_city
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task

BATCH = 32  # windows at once where nothing is learned

# (x [B, N, L, C], what is known of the graph) -> scaled speeds [B, N, Q]
Network = Callable[..., Float[Tensor, "b node ahead"]]


def answers(
    network: Network, city: CitySpeed, roads: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, "b node ahead"]:
    """What a network says of a city's windows, with that city's statistics and graph."""
    return at_city(network, city.name)(city.windows(steps), roads[city.name])


def source_loss(network: Network, task: Task, roads: dict, windows: int) -> Float[Tensor, ""]:
    """Mean over source windows, drawn anew; cities share them evenly, the first have one more."""
    total, count = 0.0, len(task.sources)
    for number, city in enumerate(task.sources):
        some = windows // count + (number < windows % count)
        drawn = city.train[torch.randint(len(city.train), (some,)).to(city.train.device)]
        total = total + some / windows * training_error(network, city, roads, drawn)
    return total


class BatchCounts(nn.Module):
    """How many batches of each city a network has learned from; kept with its weights."""

    def __init__(self, cities: Iterable[str]):
        super().__init__()
        self.rows = {name: row for row, name in enumerate(cities)}
        self.register_buffer("taken", torch.zeros(len(self.rows), dtype=torch.int64))

    def before(self, city: str) -> int:
        """Batches of a city before this one, which is counted."""
        row = self.rows[city]
        self.taken[row] += 1
        return int(self.taken[row]) - 1


def count_batches(network: nn.Module, task: Task) -> nn.Module:
    """The network, told to count its batches where `penalty` needs their number."""
    if task.target.squares and not hasattr(network, "counts"):
        network.counts = BatchCounts(task.cities)
    return network


def penalty(
    network: Network, city: CitySpeed, off: Float[Tensor, "*any"]
) -> Float[Tensor, "*any"]:
    """What is lowered of each error: its size, or its square in the first batches of a city.

    Most changes of ten minutes are near 0 and of either sign, so that "no change" is a plateau of
    absolute errors: their gradient is the same for a small error and for a large one. Squares
    lead away from it, and the rest of the training is in the error that tables report.
    """
    early = (
        city.squares and network.training and network.counts.before(city.name) < city.squares
    )
    return off.square() if early else off.abs()


def training_error(
    network: Network, city: CitySpeed, roads: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Masked mean `penalty` in units of the city's deviation, so that cities compare."""
    truth, seen = city.scaled_labels(steps)
    off = torch.where(seen, answers(network, city, roads, steps) - truth, 0.0)
    return penalty(network, city, off).sum() / seen.sum().clamp_min(1)


def masked_mae(
    network: Network, city: CitySpeed, roads: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Masked mean absolute error in units of the city's deviation, so that cities compare."""
    truth, seen = city.scaled_labels(steps)
    guess = answers(network, city, roads, steps)
    off = torch.where(seen, guess - truth, 0.0)
    return off.abs().sum() / seen.sum().clamp_min(1)


def validation_mae(
    network: Network, city: CitySpeed, roads: dict, steps: Int[Tensor, " s"]
) -> float:
    """The same over many windows, sums pooled."""
    sums = 0.0
    for some in steps.split(BATCH):
        truth, seen = city.scaled_labels(some)
        guess = answers(network, city, roads, some)
        sums = sums + masked_error(guess, truth, seen)
    return (sums[0].sum() / sums[2].sum().clamp_min(1)).item()


def predict(
    network: Network, roads: dict, task: Task, steps: Int[Tensor, " s"]
) -> Float[Tensor, "s node ahead"]:
    """The target's speeds in its own unit, Q steps from the L before them and its graph (Eq. 1)."""
    with torch.inference_mode():
        city = task.target
        parts = [
            city.to_forecast(answers(network, city, roads, s), s) for s in steps.split(BATCH)
        ]
    return torch.cat(parts)
