"""Meta-learning: one gradient step on a few windows of a city, differentiated through."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.training.schedule import (
    Network,
    Schedule,
    scaled_rmse,
    squared_error,
)
from stflow_lib.training.loop import autocast


@dataclass(frozen=True)
class Meta:
    """How tasks are drawn and what is done inside one."""

    tasks: int = 4  # of one city, in an outer step
    days: int = 3  # of support, as many as the target has; the query is the day after
    steps: int = 5  # inner gradient steps, each on a batch of the support
    rate: float = 1e-4  # of the inner steps; errors are summed over cells
    first_order: bool = False  # True: inner gradients count as constants
    validate_adapted: bool = True  # an epoch is chosen by the error after the inner steps

    def __post_init__(self):
        if min(self.tasks, self.days) < 1 or self.steps < 0:
            raise ValueError(
                f"tasks {self.tasks}, days {self.days}, steps {self.steps}: too few"
            )


Weights = dict[str, Float[Tensor, "..."]]
Loss = Callable[[Weights, Int[Tensor, " b"]], Float[Tensor, ""]]  # weights, steps -> scalar


def adapted(
    loss: Loss, weights: Weights, batches: list[Int[Tensor, " b"]], meta: Meta
) -> Weights:
    """`weights` after one gradient step on each batch, as a function of the weights given."""
    for steps in batches:
        value = loss(weights, steps)
        moves = torch.autograd.grad(
            value, list(weights.values()), create_graph=not meta.first_order
        )
        weights = {
            name: w - meta.rate * move
            for (name, w), move in zip(weights.items(), moves, strict=True)
        }
    return weights


def draw_task(
    city: CityFlow, day: int, meta: Meta, batch: int
) -> tuple[list[Int[Tensor, " b"]], Int[Tensor, " q"]]:
    """A random span of the city's training labels: inner batches from it, the next day's labels.

    DataError when the training part is shorter than span and day together.
    """
    span = meta.days * day
    room = len(city.train) - span - day
    if room < 0:
        raise DataError(
            f"{city.name}: {len(city.train)} training steps, a task needs {span + day}"
        )
    start = int(torch.randint(room + 1, ()))
    inside = city.train[start : start + span]
    draws = [torch.randint(span, (min(batch, span),)) for _ in range(meta.steps)]
    batches = [inside[draw.to(inside.device)] for draw in draws]
    return batches, city.train[start + span : start + span + day]


def meta_loss(
    loss: Loss, weights: Weights, city: CityFlow, day: int, meta: Meta, batch: int
) -> Float[Tensor, ""]:
    """Query error after adapting, mean over the tasks of an outer step."""
    total = 0.0
    for _ in range(meta.tasks):
        batches, query = draw_task(city, day, meta, batch)
        total = total + loss(adapted(loss, weights, batches, meta), query)
    return total / meta.tasks


def adapted_rmse(
    loss: Loss,
    weights: Weights,
    network: Callable[[Weights], Network],
    city: CityFlow,
    day: int,
    meta: Meta,
    plan: Schedule,
) -> float:
    """`scaled_rmse` of `network(adapted weights)`, as the target will meet it.

    The inner steps are taken on the city's last `days` training days, which end where its
    validation labels begin; their batches are the same at every call.
    """
    batches = last_batches(city, day, meta, plan.batch)
    with torch.inference_mode(False), torch.enable_grad():
        with autocast(plan.precision, city.train.device):
            moved = adapted(loss, weights, batches, replace(meta, first_order=True))
    return scaled_rmse(network(moved), city, plan)


def last_batches(city: CityFlow, day: int, meta: Meta, batch: int) -> list[Int[Tensor, " b"]]:
    """Inner batches from the last `days` days of training labels, drawn once and for all."""
    inside = city.train[-meta.days * day :]
    fixed = torch.Generator().manual_seed(0)
    shape = (meta.steps, min(batch, len(inside)))
    return [*inside[torch.randint(len(inside), shape, generator=fixed).to(inside.device)]]


def with_weights(network: nn.Module, weights: Weights) -> Callable[..., Any]:
    """The network as a function of its inputs, with other weights."""
    return lambda *inputs: functional_call(network, weights, inputs)


def city_loss(network: nn.Module, city: CityFlow) -> Loss:
    """Squared error of the network with other weights."""
    return lambda weights, steps: squared_error(with_weights(network, weights), city, steps)
