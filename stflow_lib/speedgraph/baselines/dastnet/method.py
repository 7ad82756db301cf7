"""DASTNet: what nodes are on their graph, made alike for all cities, steers a recurrent cell.

Tang et al., "Domain adversarial spatial-temporal network" (CIKM 2022); TSJT prints "DSATNet".
"""

import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.baselines.dastnet.network import DASTNet, DASTNetSize, Graph
from stflow_lib.speedgraph.networks.graph_operators import transitions
from stflow_lib.speedgraph.networks.node2vec import node_vectors
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    finetuned_predictor,
    over_hours,
)
from stflow_lib.speedgraph.training.losses import (
    count_batches,
    training_error,
    validation_mae,
)
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

SOURCE = partial(Training, epochs=10, batch=64, halve_every=0, precision="float32")


@dataclass(frozen=True)
class DASTNetSettings:
    """Sources one after the other, then the target; Adam where the release has SGD."""

    size: DASTNetSize = field(default_factory=DASTNetSize)
    shared: bool = True  # one extractor for all cities; False: one for each, as released
    strength: float = 0.2  # of the cities' classification, against errors in the city's unit
    source: Training = field(default_factory=SOURCE)
    target: Training = field(
        default_factory=partial(FINETUNING, epochs=2000, batch=64, patience=200)
    )


class DomainAdversary(nn.Module):
    """The network and a classifier of cities, with what decides about the reversal."""

    def __init__(self, network: DASTNet, settings: DASTNetSettings, steps: int):
        super().__init__()
        self.network, self.settings, self.steps = network, settings, steps
        units, cities = settings.size.units, len(network.cities)
        self.classifier = nn.Sequential(
            nn.Linear(units, settings.size.classifier), nn.Tanh(),
            nn.Linear(settings.size.classifier, cities),
        )  # fmt: skip
        self.register_buffer("turn", torch.zeros(()))
        self.register_buffer("hits", torch.zeros(()))  # share of nodes told right last time

    def factor(self) -> float:
        """Of the gradient behind the classifier: negative where it beats chance."""
        grown = 2 / (1 + math.exp(-10 * float(self.turn) / self.steps)) - 1
        return -grown if self.hits > 1 / len(self.network.cities) else grown

    def confusion(self, graphs: dict) -> Float[Tensor, ""]:
        """Sum over cities of the mean -log p(city) of their nodes."""
        factor, total, right, nodes = self.factor(), 0.0, 0, 0
        for number, name in enumerate(self.network.cities):
            logits = self.classifier(
                gradient_scaling(self.network.common(graphs[name]), factor)
            )
            total = total - logits.log_softmax(1)[:, number].mean()
            right, nodes = right + (logits.argmax(1) == number).sum(), nodes + len(logits)
        self.turn += 1
        self.hits.copy_(right / nodes)
        return total

    def loss(
        self, city: CitySpeed, graphs: dict, steps: Int[Tensor, " b"]
    ) -> Float[Tensor, ""]:
        """The city's error in its own unit, and how well cities are told apart."""
        error = city.deviation * training_error(self.network, city, graphs, steps)
        return error + self.settings.strength * self.confusion(graphs)


def gradient_scaling(x: Float[Tensor, "*any"], factor: float) -> Float[Tensor, "*any"]:
    """x, whose gradient is multiplied by `factor`."""
    return x.detach() + factor * (x - x.detach())


def fit(task: Task, settings: DASTNetSettings, seed: int, folder: Path | None) -> Predictor:
    """Sources in turn with the classifier, then the target; DataError without source or day."""
    require_sources(task)
    if not len(task.target.train):
        raise DataError(
            f"{task.target.name}: no day to learn from; DASTNet has a head per city"
        )
    torch.manual_seed(seed)
    cities = (task.target, *task.sources)
    names = [c.name for c in cities]
    network = DASTNet(names, task.protocol.ahead, settings.size, settings.shared)
    network = count_batches(network, task)
    graphs = {c.name: graph_inputs(c, settings.size) for c in cities}
    steps = sum(_steps(settings.source, c) for c in task.sources)
    adversary = DomainAdversary(network, settings, steps).to(task.device)
    stages = {
        f"source-{c.name}": train_on_source(adversary, c, graphs, seed, folder)
        for c in task.sources
    }
    network.use_private = True
    return finetuned_predictor(network, task, graphs, settings.target, seed, folder, stages)


def graph_inputs(city: CitySpeed, size: DASTNetSize) -> Graph:
    """What the network knows of a city: its graph only."""
    vectors = node_vectors(city.weights, size.vectors, size.length, size.window)
    return city.name, vectors, transitions(city.weights)[0]


def _steps(plan: Training, city: CitySpeed) -> int:
    return plan.epochs * (plan.epoch_steps or math.ceil(len(city.train) / plan.batch))


def train_on_source(
    adversary: DomainAdversary, city: CitySpeed, graphs: dict, seed: int, folder: Path | None
) -> History:
    """Training on one source; about 64 of its validation windows choose the epoch."""
    loss = partial(adversary.loss, city, graphs)
    some = over_hours(city)
    check = lambda: {"valid_mae": validation_mae(adversary.network, city, graphs, some)}
    return train(adversary, loss, city.train, check, adversary.settings.source, seed=seed,
                 stage=f"source-{city.name}", folder=folder)  # fmt: skip


METHOD = Method("DASTNet", DASTNetSettings, partial(on_roads, "DASTNet", fit))
