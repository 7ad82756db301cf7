"""AdaRNN: recurrent layers whose hidden states are drawn together between domains.

Du et al., "AdaRNN: Adaptive learning and forecasting of time series" (CIKM 2021). There a domain
is a stretch of one series; here a city is one, so the search for stretches falls away. A sample
is the window of one sensor; no graph is used and nothing belongs to a sensor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    finetuned_predictor,
    mean_error,
    restored,
    sample_steps,
)
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

Rows = Float[Tensor, "row lag unit"]
Shares = Float[Tensor, " lag"]  # importance of each step in one layer

ALIGN = partial(Training, epochs=200, epoch_steps=100, batch=1, learning_rate=5e-4,
                halve_every=0, patience=40, precision="float32")  # fmt: skip


@dataclass(frozen=True)
class AdaRNNSize:
    """Widths of the released settings."""

    units: int = 64  # of the recurrent layers and the bottleneck
    layers: int = 2
    dropout: float = 0.5  # behind the bottleneck


@dataclass(frozen=True)
class AdaRNNSettings:
    """Training on all cities at once, then on the target."""

    size: AdaRNNSize = field(default_factory=AdaRNNSize)
    samples: int = 36  # sensor windows of each city in a step
    strength: float = 0.5  # of the distance, against squared errors
    gated: int = 40  # epochs in which gates weigh the steps; afterwards distances do
    clip: float = 3.0  # greatest entry of a gradient
    align: Training = field(default_factory=ALIGN)
    target: Training = field(default_factory=FINETUNING)


class Gate(nn.Module):
    """Importance of the steps of one layer, told by the hidden states of two domains."""

    def __init__(self, lags: int, units: int):
        super().__init__()
        self.line, self.norm = nn.Linear(2 * units * lags, lags), nn.BatchNorm1d(lags)

    def forward(self, one: Rows, two: Rows) -> Shares:
        """One share for each step; they sum to 1."""
        both = torch.cat([one, two], 2).flatten(1)
        return self.norm(self.line(both)).sigmoid().mean(0).softmax(0)


class AdaRNN(nn.Module):
    """x [B, N, L, C] -> scaled speeds [B, N, Q]; 83,790 parameters for C = 2,
    L = 12 and Q = 6.

    `shares` are the steps' importances, `sums` the distances seen in this epoch, `before` those
    of the last one.
    """

    def __init__(self, lags: int, ahead: int, size: AdaRNNSize = AdaRNNSize(), inputs: int = 2):
        super().__init__()
        u = size.units
        self.layers = nn.ModuleList(
            [nn.GRU(u if n else inputs, u, batch_first=True) for n in range(size.layers)]
        )
        self.gates = nn.ModuleList([Gate(lags, u) for _ in range(size.layers)])
        self.bottleneck = nn.Sequential(nn.Linear(u, u), nn.Linear(u, u), nn.BatchNorm1d(u),
                                        nn.ReLU(), nn.Dropout(size.dropout))  # fmt: skip
        self.head = nn.Linear(u, ahead)
        start = torch.full((size.layers, lags), 1 / lags)
        for name, value in {"shares": start, "sums": 0 * start, "before": start / 0}.items():
            self.register_buffer(name, value)
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))

    def operators(self, weights: Square) -> None:
        """Nothing of the roads."""

    def states(self, rows: Rows) -> list[Float[Tensor, "row lag state"]]:
        """Hidden states of every layer."""
        found = []
        for layer in self.layers:
            rows = layer(rows)[0]
            found.append(rows)
        return found

    def read(self, rows: Rows) -> Float[Tensor, "row ahead"]:
        """The forecast from the last layer's states."""
        return self.head(self.bottleneck(rows[:, -1]))

    def forward(self, x: NodeSeries, graph: None = None) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds, sensor by sensor; there is no graph."""
        return self.read(self.states(x.flatten(0, 1))[-1]).unflatten(0, x.shape[:2])

    @torch.no_grad()
    def boost(self) -> None:
        """At the end of an epoch: more weight where the distance has grown (its Eqs. 6 and 7)."""
        grown = self.sums > self.before + 1e-5
        more = torch.where(grown, 1 + (self.sums - self.before).sigmoid(), 1.0)
        raised = self.shares * more
        self.shares.copy_(raised / raised.sum(1, keepdim=True))
        self.before.copy_(self.sums)
        self.sums.zero_()


def coral(
    one: Float[Tensor, "row lag unit"], two: Float[Tensor, "other lag unit"]
) -> Float[Tensor, " lag"]:
    """Squared distance of two covariances at each step, over 4 units^2 (Sun and Saenko 2016).

    Of the distances in the paper the one that needs no training; the released default compares
    through a network with random weights.
    """
    a, b = (x.transpose(0, 1) - x.mean(0)[:, None] for x in (one, two))
    apart = a.mT @ a / max(len(one) - 1, 1) - b.mT @ b / max(len(two) - 1, 1)
    return apart.square().sum((1, 2)) / (4 * one.shape[2] ** 2)


def sensor_windows(
    city: CitySpeed, count: int
) -> tuple[Rows, Float[Tensor, "row ahead"], Bool[Tensor, "row ahead"]]:
    """Windows of sensors drawn at random: x, scaled labels (or changes), which are seen."""
    steps = sample_steps(city, count)[:, None]
    node = torch.randint(city.speed.shape[1], (count, 1)).to(steps.device)
    past, next_ = (torch.arange(*ends).to(steps) for ends in ((-city.lags, 0), (city.ahead,)))
    told = [part[steps + past] for part in city.time_features()]
    x = torch.stack([city.scaled[steps + past, node], *told], 2)
    truth = (city.speed[steps + next_, node] - city.mean) / city.deviation
    base = x[:, -1:, 0] if city.change else 0.0
    return x, truth - base, city.seen[steps + next_, node]


def align_loss(
    network: AdaRNN, cities: Sequence[CitySpeed], settings: AdaRNNSettings
) -> Float[Tensor, ""]:
    """Mean over pairs of cities: both squared errors and the weighted distance of their states."""
    x, truth, seen = (
        torch.cat(p)
        for p in zip(*(sensor_windows(c, settings.samples) for c in cities), strict=True)
    )
    states = network.states(x)
    off = torch.where(seen, network.read(states[-1]) - truth, 0.0)
    error = 2 * off.square().sum() / seen.sum().clamp_min(1)
    parts = [layer.chunk(len(cities)) for layer in states]
    pairs = [
        pair_distance(network, [(layer[i], layer[j]) for layer in parts], settings)
        for i, j in combinations(range(len(cities)), 2)
    ]
    _turn(network, settings)
    return error + settings.strength * sum(pairs) / max(len(pairs), 1)


def pair_distance(
    network: AdaRNN, layers: Sequence[tuple[Rows, Rows]], settings: AdaRNNSettings
) -> Float[Tensor, ""]:
    """sum_lj alpha_lj d(h_s,lj, h_t,lj) of two cities' states in each layer (its Eq. 4)."""
    apart = torch.stack([coral(*layer) for layer in layers])
    if int(network.turn) >= settings.gated * settings.align.epoch_steps:
        network.sums += apart.detach()
        return (network.shares.clone() * apart).sum()
    shares = torch.stack([g(*layer) for g, layer in zip(network.gates, layers, strict=True)])
    network.shares.copy_(shares.detach())
    return (shares * apart).sum()


def _turn(network: AdaRNN, settings: AdaRNNSettings) -> None:
    """One step more; where an epoch without gates ends, its distances change the shares."""
    network.turn += 1
    whole, steps = int(network.turn), settings.align.epoch_steps
    if whole > settings.gated * steps and whole % steps == 0:
        network.boost()


def fit(task: Task, settings: AdaRNNSettings, seed: int, folder: Path | None) -> Predictor:
    """All cities together, then the target's days; without days the sources alone.

    DataError without a source.
    """
    require_sources(task)
    torch.manual_seed(seed)
    lags, ahead, inputs = task.protocol.lags, task.protocol.ahead, task.target.features
    network = AdaRNN(lags, ahead, settings.size, inputs).to(task.device)
    for parameter in network.parameters():
        parameter.register_hook(lambda g: g.clamp(-settings.clip, settings.clip))
    graphs = dict.fromkeys([c.name for c in (task.target, *task.sources)])
    stages = {"align": aligned(network, task, graphs, settings, seed, folder)}
    return finetuned_predictor(network, task, graphs, settings.target, seed, folder, stages)


def aligned(
    network: AdaRNN,
    task: Task,
    graphs: dict,
    settings: AdaRNNSettings,
    seed: int,
    folder: Path | None,
) -> History:
    """Training on all cities that have days; sources' validation windows choose the epoch."""
    cities = [c for c in (*task.sources, task.target) if len(c.train)]
    loss = lambda batch: align_loss(network, cities, settings)
    samples = torch.arange(settings.align.epoch_steps, device=task.device)
    check = lambda: {"valid_mae": mean_error(network, task.sources, graphs)}
    return train(network, loss, samples, check, settings.align, seed=seed, stage="align",
                 folder=folder)  # fmt: skip


def network_of(task: Task, settings: AdaRNNSettings) -> AdaRNN:
    """The network with fresh weights."""
    return AdaRNN(task.protocol.lags, task.protocol.ahead, settings.size, task.target.features)


METHOD = Method("AdaRNN", AdaRNNSettings, fit, partial(restored, network_of), anywhere=True)
