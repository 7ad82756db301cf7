"""Reptile on the sources, then fine-tuning on the target (Nichol et al. 2018; TSJT's Table 2).

A task is a row of batches of one source city. From the present weights a fresh Adam takes some
steps on it; then the weights move a part of the way to where these steps have led. Parameters
that belong to one city's sensors stay where its own tasks have led them.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.backbones import backbone, backbone_supports
from stflow_lib.speedgraph.networks.city_norm import separate_statistics
from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square, Support
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    Error,
    finetuned_predictor,
    mean_error,
    restored,
    round_robin_source,
    sample_steps,
    supports_by_city,
)
from stflow_lib.speedgraph.training.losses import count_batches, training_error
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

BOUND = "bound"  # the part of a network, a city's module by its name, that is not averaged

# (task, settings) -> the network, and by a city's name the graph it is told of
Build = Callable[[Task, "ReptileSettings"], tuple[nn.Module, dict]]

META = partial(
    Training, epochs=30, epoch_steps=100, batch=1, halve_every=0, precision="float32"
)


@dataclass(frozen=True)
class ReptileSettings:
    """The meta-training, and the fine-tuning that all its users share."""

    backbone: object  # a size that `backbones.backbone` knows
    inner: int = 8  # Adam steps on a task
    rate: float = 1e-3  # of these steps
    windows: int = 32  # in a batch of a task
    reach: float = 1.0  # part of the way at first, falling to 0 along a line
    meta: Training = field(default_factory=META)  # a step is a task
    target: Training = field(default_factory=FINETUNING)


@runtime_checkable
class HasBackbone(Protocol):
    """Settings that choose a backbone by its size."""

    backbone: object


class BackboneForecaster(nn.Module):
    """A backbone on the road graph alone: x, operators -> scaled speeds."""

    def __init__(self, task: Task, size):
        super().__init__()
        self.size = size
        inputs, protocol = task.target.features, task.protocol
        self.backbone = backbone(size, inputs, protocol.ahead, protocol.lags)

    def operators(self, weights: Square) -> tuple[Square, ...]:
        """What `forward` wants to know of a city's graph."""
        return backbone_supports(self.size, weights)

    def forward(
        self, x: NodeSeries, graph: tuple[Support, ...]
    ) -> Float[Tensor, "b node ahead"]:
        """What the backbone says of the windows."""
        return self.backbone(x, graph)


def build_backbone(task: Task, settings: HasBackbone) -> tuple[nn.Module, dict]:
    """A backbone and the operators of every city."""
    network = separate_statistics(BackboneForecaster(task, settings.backbone), task.cities)
    network = network.to(task.device)
    return network, supports_by_city(network, task)


class ReptileLearner(nn.Module):
    """The network, and the number of tasks it has seen, which are kept together."""

    def __init__(
        self, network: nn.Module, settings: ReptileSettings, error: Error = training_error
    ):
        super().__init__()
        self.network, self.settings, self.error = network, settings, error
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))

    def step(self, task: Task, graphs: dict) -> Float[Tensor, ""]:
        """One task, sources in turn; the weights move here, and the value has no gradient."""
        city = round_robin_source(task, int(self.turn))
        led, value = adapted(self.network, city, graphs, self.settings, self.error)
        total = self.settings.meta.epochs * self.settings.meta.epoch_steps
        move_towards(self.network, led, self.settings.reach * (1 - int(self.turn) / total))
        self.turn += 1
        return value + 0 * sum(p.sum() for p in self.network.parameters())


def adapted(
    network: nn.Module,
    city: CitySpeed,
    graphs: dict,
    settings: ReptileSettings,
    error: Error = training_error,
) -> tuple[nn.Module, Float[Tensor, ""]]:
    """A copy after the inner steps, and the error of its first batch."""
    copy, first = deepcopy(network), None
    adam = torch.optim.Adam(copy.parameters(), lr=settings.rate, betas=(0.0, 0.999))
    for _ in range(settings.inner):
        value = error(copy, city, graphs, sample_steps(city, settings.windows))
        adam.zero_grad()
        value.backward()
        adam.step()
        first = value.detach() if first is None else first
    return copy, first


@torch.no_grad()
def move_towards(network: nn.Module, other: nn.Module, part: float) -> None:
    """Move the parameters a part of the way; what is bound to a city, and statistics, wholly."""
    wanted = dict(other.named_parameters())
    for name, own in network.named_parameters():
        own.lerp_(wanted[name], 1.0 if name.startswith(BOUND) else part)
    for own, led in zip(network.buffers(), other.buffers(), strict=True):
        own.copy_(led)


def fit(
    build: Build,
    error: Error,
    task: Task,
    settings: ReptileSettings,
    seed: int,
    folder: Path | None,
) -> Predictor:
    """Reptile on the sources, then the target's days, whose validation windows choose the epoch.

    DataError without a source.
    """
    require_sources(task)
    torch.manual_seed(seed)
    network, graphs = build(task, settings)
    stages = {"meta": meta_train(network, task, graphs, settings, error, seed, folder)}
    _drop_source_parameters(network, task)
    return finetuned_predictor(
        network, task, graphs, settings.target, seed, folder, stages, error
    )


def meta_train(
    network: nn.Module,
    task: Task,
    graphs: dict,
    settings: ReptileSettings,
    error: Error,
    seed: int,
    folder: Path | None,
) -> History:
    """Meta-training; the mean error of the sources' validation windows chooses the epoch."""
    learner = ReptileLearner(count_batches(network, task), settings, error).to(task.device)
    loss = lambda batch: learner.step(task, graphs)
    samples = torch.arange(settings.meta.epoch_steps, device=task.device)
    check = lambda: {"valid_mae": mean_error(network, task.sources, graphs)}
    return train(learner, loss, samples, check, settings.meta, seed=seed, stage="meta",
                 folder=folder)  # fmt: skip


def _drop_source_parameters(network: nn.Module, task: Task) -> None:
    """Of what is bound to a city the target's is kept."""
    for name in {c.name for c in task.sources} & set(getattr(network, BOUND, ())):
        del getattr(network, BOUND)[name]


def reptile(
    name: str,
    settings: Callable[[], ReptileSettings],
    build: Build = build_backbone,
    error: Error = training_error,
    *,
    bound: bool = False,
    roads: bool = True,
) -> Method:
    """The method that takes a network through Reptile; `error` is what all its steps lower.

    `bound`: the network has parts for the cities that it learned on, and cannot be saved;
    `roads`: it walks on the roads of a city, which must then be known.
    """
    network = lambda task, settings: build(task, settings)[0]
    restore = None if bound else partial(restored, network)
    train = partial(fit, build, error)
    train = partial(on_roads, name, train) if roads else train
    return Method(name, settings, train, restore, anywhere=not bound)
