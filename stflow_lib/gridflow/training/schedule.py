"""Training on windows of one or several cities, one city in each batch (STBaT section 5.1)."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.training.loop import History, Training, autocast, retain_heap, train
from stflow_lib.training.surrogate import surrogate_value

CITY_SEEDS = 7919  # between the random orders of two cities


@dataclass(frozen=True)
class Schedule(Training):
    """`Training` whose batches hold one city each, the cities in turn, every batch full.

    An epoch has `epoch_steps` batches, or as many as one pass over all windows needs; it is
    rounded up so that every city has the same number. Adam and its two brakes are those of the
    released code of CrossTReS: L2 decay of the weights, and the norm of the gradient bounded.
    """

    epochs: int = 100
    batch: int = 32  # windows
    halve_every: int = 0
    patience: int = 5
    precision: str = "float32"
    weight_decay: float = 5e-5  # added to the gradient, as Adam's own setting does
    clip: float = 2.0  # largest norm of the gradient, before the decay; 0: no bound
    valid_every: int = 1  # every n-th validation label chooses the epoch
    keep_start: bool = False  # the weights before the first step are a candidate, too

    def validation(self, labels: Int[Tensor, " valid"]) -> Int[Tensor, " chosen"]:
        """The labels that choose the epoch: all hours of the day if n has no factor 2 or 3."""
        return labels[:: self.valid_every]

    def order(self, samples: Int[Tensor, "s 2"], epoch: int, seed: int) -> Int[Tensor, "u 2"]:
        """(city, label step) in the order of use: `batch` rows of a city, then of the next."""
        cities = samples[:, 0].unique().tolist()
        steps = self.epoch_steps or math.ceil(len(samples) / self.batch)
        each = replace(self, epoch_steps=math.ceil(steps / len(cities)))
        rows = [
            Training.order(
                each, samples[samples[:, 0] == city], epoch, seed + city * CITY_SEEDS
            )
            for city in cities
        ]
        return torch.stack([row.unflatten(0, (-1, self.batch)) for row in rows], 1).flatten(
            0, 2
        )


Network = Callable[  # x, cells -> prediction, z
    [Float[Tensor, "b lag row col"], Int[Tensor, " region"]],
    tuple[Float[Tensor, "b region"], Float[Tensor, "b region j"]],
]
Objective = Callable[[CityFlow, Int[Tensor, " b"]], Float[Tensor, ""]]  # city, label steps


def fit_cities(
    network: nn.Module,
    cities: Sequence[CityFlow],
    plan: Schedule,
    *,
    seed: int,
    stage: str,
    folder: Path | None,
    objective: Objective | None = None,
    groups: Sequence[nn.Module] = (),
    error: Callable[[CityFlow], float] | None = None,
    log: Callable[[], dict[str, float]] = dict,
) -> History:
    """Fit a network of one direction on the cities' `train` labels; their `valid` labels choose.

    `objective` defaults to `squared_error`; the gradient's norm is bounded in each of `groups`
    (default: the network) separately. The epoch with the least mean over cities of `error`
    (default: `scaled_rmse`) is kept, as curve "valid_rmse"; `log()` adds curves. Everything else
    as in `train_from_start`.
    """
    retain_heap()
    network.to(cities[0].flow.device, memory_format=torch.channels_last)
    objective = objective or (lambda city, steps: squared_error(network, city, steps))
    error = error or (lambda city: scaled_rmse(network, city, plan))

    def loss(batch: Int[Tensor, "b 2"]) -> Float[Tensor, ""]:
        with autocast(plan.precision, batch.device):
            value = objective(cities[int(batch[0, 0])], batch[:, 1])
        return with_clipping_and_decay(value, groups or [network], plan)

    def score() -> float:
        errors = [error(city) for city in cities]
        return sum(errors) / len(errors)

    return train_from_start(network, loss, _samples(cities), score, plan, log, seed=seed,
                            stage=stage, folder=folder)  # fmt: skip


def train_from_start(
    network: nn.Module,
    loss: Callable[[Int[Tensor, "b 2"]], Float[Tensor, ""]],
    samples: Int[Tensor, "s 2"],
    score: Callable[[], float],
    plan: Schedule,
    log: Callable[[], dict[str, float]] = dict,
    **place,
) -> History:
    """`loop.train` by curve "valid_rmse"; with `plan.keep_start` from epoch 0 on.

    The weights before the training are then kept, with `best_step` 0, where no epoch has a
    lower score. `place`: seed, stage and folder, from which an interrupted training goes on.
    """
    before = _scored(network, score) if plan.keep_start else math.inf
    start = copy.deepcopy(network.state_dict())
    check = lambda: {"valid_rmse": score()} | log()
    history = train(network, loss, samples, check, plan, **place)
    if before <= min(history.curves.get("valid_rmse", [math.inf])):
        network.load_state_dict(start)
        history.best_step = 0
    return history


def _scored(network: nn.Module, score: Callable[[], float]) -> float:
    network.eval()
    with torch.inference_mode():
        return score()


def _samples(cities: Sequence[CityFlow]) -> Int[Tensor, "s 2"]:
    rows = [
        torch.stack([c.train.new_full(c.train.shape, i), c.train], 1)
        for i, c in enumerate(cities)
    ]
    return torch.cat(rows)


def squared_error(
    network: Network, city: CityFlow, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Scaled squared error: mean over windows, sum over valid cells, as CrossTReS reduces it."""
    return weighted_squared_error(*forward(network, city, steps)[:2])


def weighted_squared_error(
    guess: Float[Tensor, "b region"],
    truth: Float[Tensor, "b region"],
    weights: Float[Tensor, " region"] | float = 1.0,
) -> Float[Tensor, ""]:
    """STBaT's weighted prediction loss (Eq. 15): squared error times omega [R].

    Mean over windows, sum over cells.
    """
    return ((guess - truth).square() * weights).mean(0).sum()


def forward(
    network: Network, city: CityFlow, steps: Int[Tensor, " b"]
) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region"], Float[Tensor, "b region j"]]:
    """Prediction, truth and feature z of the valid cells of a one-direction city, scaled."""
    guess, z = network(city.windows(steps)[:, :, 0], city.cells())
    return guess, city.labels(steps), z


def predict_trips(
    network: nn.Module, city: CityFlow, steps: Int[Tensor, " b"], precision: str = "float32"
) -> Float[Tensor, "b 1 row col"]:
    """Trips per step of a one-direction city; `low` in cells that are not valid."""
    with autocast(precision, steps.device):
        guess = forward(network, city, steps)[0]
    return city.on_map(guess)


def scaled_rmse(network: Network, city: CityFlow, plan: Schedule, batch: int = 256) -> float:
    """Unweighted RMSE over valid cells and every `valid_every`-th validation label."""
    squared, count = 0.0, 0
    for steps in plan.validation(city.valid).split(batch):
        with autocast(plan.precision, steps.device):
            guess, truth, _ = forward(network, city, steps)
        squared += (guess - truth).double().square().sum().item()
        count += truth.numel()
    return (squared / count) ** 0.5


def with_clipping_and_decay(
    loss: Float[Tensor, ""], groups: Sequence[nn.Module], plan: Schedule
) -> Float[Tensor, ""]:
    """The same loss, whose gradient is bounded in each group and has the decay added.

    Adam works element by element, so one Adam behind this is as many Adams as there are
    groups, each with its own bound.
    """
    parameters = [[p for p in group.parameters() if p.requires_grad] for group in groups]
    flat = [p for group in parameters for p in group]
    found = iter(torch.autograd.grad(loss, flat, allow_unused=True))
    gradients = []
    for group in parameters:
        gradients += clip_by_norm([next(found) for _ in group], plan.clip)
    decayed = [
        g if g is None else g + plan.weight_decay * p.detach()
        for g, p in zip(gradients, flat, strict=True)
    ]
    return surrogate_value(loss, flat, decayed)


def clip_by_norm(
    gradients: list[Float[Tensor, "..."] | None], norm: float
) -> list[Float[Tensor, "..."] | None]:
    """Gradients shrunk so that their joint norm is at most `norm`, unless that is 0."""
    there = [g for g in gradients if g is not None]
    if not norm or not there:
        return gradients
    total = torch.stack([g.norm() for g in there]).norm()
    factor = (norm / (total + 1e-6)).clamp_max(1.0)
    return [g if g is None else g * factor for g in gradients]
