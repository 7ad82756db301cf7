"""Joint training on a target and its sources: few target windows and many of theirs in a batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.networks.city_norm import separate_statistics
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training.finetune import build_predictor, restored, supports_by_city
from stflow_lib.speedgraph.training.losses import (
    count_batches,
    source_loss,
    training_error,
    validation_mae,
)
from stflow_lib.speedgraph.training.refit import chosen_on_target
from stflow_lib.speedgraph.tsjt.tsb import GradientRule
from stflow_lib.training.loop import Training
from stflow_lib.training.method import Method, Predictor
from stflow_lib.training.surrogate import surrogate_value

PLAN = partial(Training, epochs=100, epoch_steps=200, batch=4, halve_every=0, patience=20,
               precision="float32")  # fmt: skip


@dataclass(frozen=True)
class JointSettings:
    """Batches, the rule that combines gradients, and the schedule; `training.batch` windows of
    the target are in a batch."""

    sources: int = 124  # source windows in a batch, shared out among the cities
    step: GradientRule = field(default_factory=GradientRule)
    training: Training = field(default_factory=PLAN)

    @property
    def rule(self) -> GradientRule:
        """`step`; "pooled" weighs both parts by their windows in a batch as it really is."""
        return self.step.of_batch(self.training.batch, self.sources)


# A network (x, operators) -> scaled [B, N, Q] that says which `operators(weights)` it wants.
Build = Callable[[Task, JointSettings], nn.Module]


def joint_method(name: str, settings: Callable[[], JointSettings], build: Build) -> Method:
    """The method that trains `build(task, settings)` on target and sources side by side."""
    train = partial(on_roads, name, partial(fit_joint, build))
    return Method(name, settings, train, partial(restored, build), anywhere=True)


def fit_joint(
    build: Build, task: Task, settings: JointSettings, seed: int, folder: Path | None
) -> Predictor:
    """Train on target and sources; the target's validation windows choose the epoch.

    DataError without a day of the target.
    """
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no day to learn from; joint training needs one")
    torch.manual_seed(seed)
    network = separate_statistics(build(task, settings), task.cities)
    network = count_batches(network, task).to(task.device)
    roads = supports_by_city(network, task)
    history = chosen_on_target(
        network, partial(joint_loss, network, task, roads, settings), task,
        lambda: {"valid_mae": validation_mae(network, task.target, roads, task.target.valid)},
        settings.training, seed=seed, folder=folder,
    )  # fmt: skip
    return build_predictor(network, task, roads, {"": history})


def joint_loss(
    network: nn.Module,
    task: Task,
    roads: dict,
    settings: JointSettings,
    steps: Int[Tensor, " b"],
) -> Float[Tensor, ""]:
    """The joint objective: the target's error, whose gradient is the combined one.

    Both parts of a batch go forward and back once (Eq. 8); the rule makes one step of them."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    error = training_error(network, task.target, roads, steps)
    mine = torch.autograd.grad(error, parameters)
    if task.sources and settings.sources:
        theirs = torch.autograd.grad(source_loss(network, task, roads, settings.sources),
                                     parameters)  # fmt: skip
        mine = settings.rule(mine, theirs)
    return surrogate_value(error.detach(), parameters, mine)
