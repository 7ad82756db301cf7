"""DASTNet: what nodes are on their graph, made alike for all cities, steers a recurrent cell.

Tang et al., "Domain adversarial spatial-temporal network" (CIKM 2022); TSJT prints "DSATNet".
"""

import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.data.schema import DataError
from stflow_lib.fit import History, Method, Predictor, Training, train
from stflow_lib.speedgraph.city import CitySpeed
from stflow_lib.speedgraph.graph import transitions
from stflow_lib.speedgraph.joint import scaled_error, window_error
from stflow_lib.speedgraph.stgcn import Maps
from stflow_lib.speedgraph.task import Task
from stflow_lib.speedgraph.tuning import TUNE, finished, lenders
from stflow_lib.speedgraph.walks import node_vectors

Nodes = Float[Tensor, "node unit"]
Graph = tuple[
    str, Nodes, Float[Tensor, "node node"]
]  # city, node vectors, mean over neighbours

SOURCE = partial(Training, epochs=10, batch=64, halve_every=0, precision="float32")


@dataclass(frozen=True)
class Size:
    """Widths of the released settings."""

    vectors: int = 64  # of a node, from walks
    units: int = 64  # of everything else
    classifier: int = 16
    length: int = 8  # nodes of a walk
    window: int = 5  # of it


@dataclass(frozen=True)
class DASTNetSettings:
    """Sources one after the other, then the target; Adam where the release has SGD."""

    size: Size = field(default_factory=Size)
    shared: bool = True  # one extractor for all cities; False: one for each, as released
    strength: float = 0.2  # of the cities' classification, against errors in the city's unit
    source: Training = field(default_factory=SOURCE)
    target: Training = field(default_factory=partial(TUNE, epochs=2000, batch=64, patience=200))


class Extractor(nn.Module):
    """Vectors [N, V] -> features [N, U]: own and neighbours' mean, norm over nodes, two lines."""

    def __init__(self, size: Size):
        super().__init__()
        self.lift, self.out = nn.Linear(size.vectors, size.units), nn.Linear(*[size.units] * 2)
        self.norm, self.own = nn.BatchNorm1d(size.units), nn.Parameter(torch.ones(1))

    def forward(self, vectors: Nodes, near: Tensor) -> Nodes:
        h = self.lift(vectors)
        return self.out(self.norm(near @ h + self.own * h))


class Cell(nn.Module):
    """A GRU cell for one speed, whose new state is joined with the node's feature at each step."""

    def __init__(self, units: int):
        super().__init__()
        self.gates, self.candidate = (
            nn.Linear(1 + units, 2 * units),
            nn.Linear(1 + units, units),
        )
        nn.init.ones_(self.gates.bias)
        self.map, self.shift = (
            nn.Parameter(torch.empty(units, units)),
            nn.Parameter(torch.zeros(1)),
        )
        nn.init.xavier_uniform_(self.map, nn.init.calculate_gain("tanh"))
        self.join = nn.Linear(2 * units, units)

    def forward(self, speed: Float[Tensor, "b node lag"], feature: Nodes) -> Tensor:
        """The last state [B, N, U]."""
        state, feature = speed.new_zeros(*speed.shape[:2], len(self.map)), feature @ self.map
        old, known = self.join.weight.chunk(2, 1)
        known = F.linear(feature + self.shift, known, self.join.bias)
        for x in speed.unbind(2):
            state = F.linear(self.new(x[..., None], state), old) + known
        return state

    def new(self, x: Tensor, state: Tensor) -> Tensor:
        reset, update = self.gates(torch.cat([x, state], 2)).sigmoid().chunk(2, 2)
        candidate = self.candidate(torch.cat([x, reset * state], 2)).tanh()
        return update * state + (1 - update) * candidate


class DASTNet(nn.Module):
    """x [B, N, L, C], graph -> scaled speeds [B, N, Q]; a head for each city.

    The release has 113,746 parameters for three cities and three steps ahead; its private
    extractors of the sources, with their lines, never learn and are left out.
    """

    def __init__(self, cities: list[str], ahead: int, settings: DASTNetSettings):
        super().__init__()
        size, u = settings.size, settings.size.units
        self.shared = nn.ModuleList(
            [Extractor(size) for _ in range(1 if settings.shared else len(cities))]
        )
        self.private, self.cell = Extractor(size), Cell(u)
        self.lines = nn.ModuleList([nn.Linear(u, u) for _ in range(3)])  # private, shared, both
        self.cities = cities
        self.heads = nn.ModuleList([nn.Linear(u, ahead) for _ in cities])
        self.use_private = False  # from the target's own training on

    def common(self, graph: Graph) -> Nodes:
        """Features that should not tell the city."""
        name, *known = graph
        return self.shared[self.cities.index(name) % len(self.shared)](*known)

    def feature(self, graph: Graph) -> Nodes:
        """Those, on the target joined with features of its own."""
        if not self.use_private:
            return self.common(graph)
        private, shared, both = self.lines
        return both(private(self.private(*graph[1:])) + shared(self.common(graph)))

    def forward(self, x: Maps, graph: Graph) -> Float[Tensor, "b node ahead"]:
        head = self.heads[self.cities.index(graph[0])]
        return head(self.cell(x[..., 0], self.feature(graph)))


class Adversary(nn.Module):
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
            logits = self.classifier(scaled_gradient(self.network.common(graphs[name]), factor))
            total = total - logits.log_softmax(1)[:, number].mean()
            right, nodes = right + (logits.argmax(1) == number).sum(), nodes + len(logits)
        self.turn += 1
        self.hits.copy_(right / nodes)
        return total

    def loss(self, city: CitySpeed, graphs: dict, steps: Tensor) -> Float[Tensor, ""]:
        """The city's error in its own unit, and how well cities are told apart."""
        error = city.deviation * window_error(self.network, city, graphs, steps)
        return error + self.settings.strength * self.confusion(graphs)


def scaled_gradient(x: Tensor, factor: float) -> Tensor:
    """x, whose gradient is multiplied by `factor`."""
    return x.detach() + factor * (x - x.detach())


def fit(task: Task, settings: DASTNetSettings, seed: int, folder: Path | None) -> Predictor:
    """Sources in turn with the classifier, then the target; DataError without source or day."""
    lenders(task)
    if not len(task.target.train):
        raise DataError(
            f"{task.target.name}: no day to learn from; DASTNet has a head per city"
        )
    torch.manual_seed(seed)
    cities = (task.target, *task.sources)
    network = DASTNet([c.name for c in cities], task.protocol.ahead, settings).to(task.device)
    graphs = {c.name: told(c, settings.size) for c in cities}
    steps = sum(_steps(settings.source, c) for c in task.sources)
    adversary = Adversary(network, settings, steps).to(task.device)
    stages = {
        f"source-{c.name}": taught(adversary, c, graphs, seed, folder) for c in task.sources
    }
    network.use_private = True
    return finished(network, task, graphs, settings.target, seed, folder, stages)


def told(city: CitySpeed, size: Size) -> Graph:
    """What the network knows of a city: its graph only."""
    vectors = node_vectors(city.weights, size.vectors, size.length, size.window)
    return city.name, vectors, transitions(city.weights)[0]


def _steps(plan: Training, city: CitySpeed) -> int:
    return plan.epochs * (plan.epoch_steps or math.ceil(len(city.train) / plan.batch))


def taught(adversary: Adversary, city: CitySpeed, graphs, seed: int, folder) -> History:
    """Training on one source; about 64 of its validation windows choose the epoch."""
    loss = partial(adversary.loss, city, graphs)
    some = city.valid[:: max(len(city.valid) // 64, 1)]
    check = lambda: {"valid_mae": scaled_error(adversary.network, city, graphs, some)}
    return train(adversary, loss, city.train, check, adversary.settings.source, seed=seed,
                 stage=f"source-{city.name}", folder=folder)  # fmt: skip


METHOD = Method("DASTNet", DASTNetSettings, fit)
