"""Joint training on a target and its sources: few target windows and many of theirs in a batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.schema import DataError
from stflow_lib.fit import Method, Predictor, Training, count_parameters, train
from stflow_lib.kernels import masked_error
from stflow_lib.speedgraph.city import CitySpeed
from stflow_lib.speedgraph.directions import Step
from stflow_lib.speedgraph.task import Task

PLAN = partial(Training, epochs=100, epoch_steps=200, batch=4, halve_every=0, patience=20,
               precision="float32")  # fmt: skip
BATCH = 32  # windows at once where nothing is learned


@dataclass(frozen=True)
class JointSettings:
    """Batches, the rule that combines gradients, and the schedule; `training.batch` windows of
    the target are in a batch."""

    sources: int = 124  # source windows in a batch, shared out among the cities
    step: Step = field(default_factory=Step)
    training: Training = field(default_factory=PLAN)


# A network (x, operators) -> scaled [B, N, Q] that says which `operators(weights)` it wants.
Build = Callable[[Task, JointSettings], nn.Module]


def joint_method(name: str, settings: Callable[[], JointSettings], build: Build) -> Method:
    """The method that trains `build(task, settings)` on target and sources side by side."""
    return Method(name, settings, partial(fit_joint, build))


def fit_joint(
    build: Build, task: Task, settings: JointSettings, seed: int, folder: Path | None
) -> Predictor:
    """Train on the target's first two thirds and all sources; the last third chooses the epoch.

    DataError without a day of the target.
    """
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no day to learn from; joint training needs one")
    torch.manual_seed(seed)
    network = build(task, settings).to(task.device)
    roads = {c.name: network.operators(c.weights) for c in (task.target, *task.sources)}
    history = train(
        network, partial(joint_loss, network, task, roads, settings), task.target.train,
        lambda: {"valid_mae": scaled_error(network, task.target, roads, task.target.valid)},
        settings.training, seed=seed, folder=folder,
    )  # fmt: skip
    seconds = history.seconds / max(history.epochs, 1)
    return Predictor(partial(predict, network, roads), count_parameters(network),
                     history.epochs, seconds, dict(history.curves))  # fmt: skip


def joint_loss(
    network: nn.Module, task: Task, roads: dict, settings: JointSettings, steps: Tensor
) -> Float[Tensor, ""]:
    """The target's error, whose gradient is the combined one of target and sources."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    error = window_error(network, task.target, roads, steps)
    mine = torch.autograd.grad(error, parameters)
    if task.sources and settings.sources:
        theirs = torch.autograd.grad(source_error(network, task, roads, settings.sources),
                                     parameters)  # fmt: skip
        mine = settings.step(mine, theirs)
    return with_gradient(error.detach(), parameters, mine)


def source_error(
    network: nn.Module, task: Task, roads: dict, windows: int
) -> Float[Tensor, ""]:
    """Mean over source windows, drawn anew; cities share them evenly, the first have one more."""
    total, count = 0.0, len(task.sources)
    for number, city in enumerate(task.sources):
        some = windows // count + (number < windows % count)
        drawn = city.train[torch.randint(len(city.train), (some,)).to(city.train.device)]
        total = total + some / windows * window_error(network, city, roads, drawn)
    return total


def window_error(
    network: nn.Module, city: CitySpeed, roads: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Masked mean absolute error in units of the city's deviation, so that cities compare."""
    truth, seen = city.scaled_labels(steps)
    guess = network(city.windows(steps), roads[city.name])
    off = torch.where(seen, guess - truth, 0.0)
    return off.abs().sum() / seen.sum().clamp_min(1)


def scaled_error(
    network: nn.Module, city: CitySpeed, roads: dict, steps: Int[Tensor, " s"]
) -> float:
    """The same over many windows, sums pooled."""
    sums = 0.0
    for some in steps.split(BATCH):
        truth, seen = city.scaled_labels(some)
        guess = network(city.windows(some), roads[city.name])
        sums = sums + masked_error(guess, truth, seen)
    return (sums[0].sum() / sums[2].sum().clamp_min(1)).item()


def with_gradient(value: Tensor, parameters, gradients) -> Float[Tensor, ""]:
    """A scalar equal to `value` whose gradient with respect to the parameters is the one given."""
    line = sum((p * g.detach()).sum() for p, g in zip(parameters, gradients, strict=True))
    return value + line - line.detach()


def predict(network: nn.Module, roads: dict, task: Task, steps: Tensor) -> Tensor:
    """Speeds [B, N, Q] in the target's unit."""
    with torch.inference_mode():
        city = task.target
        parts = [city.speeds(network(city.windows(s), roads[city.name]), s)
                 for s in steps.split(BATCH)]  # fmt: skip
    return torch.cat(parts)
