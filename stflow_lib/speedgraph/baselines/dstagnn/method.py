"""DSTAGNN: attention over time and sensors bends a graph that is made from the days themselves.

Lan et al., "DSTAGNN: Dynamic spatial-temporal aware graph neural network" (ICML 2022), through
Reptile. Its temporal attention has the sensors as its width, and masks and positions are theirs
too: each city has these of its own, which Reptile does not average.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.baselines.dstagnn.graphs import day_distance, nearest_graphs
from stflow_lib.speedgraph.networks.graph_operators import (
    NodeSeries,
    Square,
    Support,
    chebyshev,
)
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.problem.visible_days import visible_days
from stflow_lib.speedgraph.training.reptile import ReptileSettings, reptile

KERNELS = (3, 5, 7)  # of the gated convolutions
FINAL = 128

Steps = Float[Tensor, "b channel lag node"]
Scores = Float[Tensor, "b channel head lag lag"]
Earlier = Float[Tensor, "b #channel head lag lag"] | float  # scores of the block before, or 0
Polynomials = Float[Tensor, "order node node"]


@dataclass(frozen=True)
class DSTAGNNSize:
    """Sizes of the released settings."""

    blocks: int = 4
    width: int = 512  # of a sensor's token
    heads: int = 3  # of the attention over time
    head: int = 32  # width of each, over time and over sensors
    order: int = 3  # Chebyshev polynomials, and heads over sensors
    channels: int = 32
    dropout: float = 0.05


@dataclass(frozen=True)
class DSTAGNNSettings(ReptileSettings):
    """Reptile's, and how the graphs are made."""

    backbone: object = field(default_factory=DSTAGNNSize)
    days: int = 14  # most days of a source that are compared
    share: float = 0.01  # of all sensors that a sensor is linked to


class Sensors(nn.Module):
    """What one block knows of the sensors of one city; the first knows the steps, too."""

    def __init__(self, nodes: int, lags: int, size: DSTAGNNSize, first: bool):
        super().__init__()
        wide = size.heads * size.head
        self.query, self.key, self.value = (
            nn.Linear(nodes, wide, bias=False) for _ in range(3)
        )
        self.back = nn.Linear(wide, nodes, bias=False)
        self.place = nn.Parameter(torch.empty(nodes, size.width))
        self.mask = nn.Parameter(torch.empty(size.order, nodes, nodes))
        self.step = nn.Parameter(torch.empty(lags, nodes)) if first else None
        self.norm = nn.LayerNorm(nodes) if first else None
        for weight in filter(lambda w: w is not None, (self.place, self.step, *self.mask)):
            nn.init.xavier_uniform_(weight)


class Attention(nn.Module):
    """Over the steps, sensors being the width; no weights but those of the city's part."""

    def __init__(self, size: DSTAGNNSize):
        super().__init__()
        self.shape = (size.heads, size.head)

    def forward(self, x: Steps, part: Sensors, before: Earlier) -> tuple[Steps, Scores]:
        """The same shape, and the scores, to which those of the block `before` are added."""
        if part.step is not None:
            x = part.norm(x + part.step)
        q, k, v = (
            line(x).unflatten(3, self.shape).transpose(2, 3)
            for line in (part.query, part.key, part.value)
        )
        score = q @ k.mT / self.shape[1] ** 0.5 + before
        seen = (score.softmax(4) @ v).transpose(2, 3).flatten(3)
        return F.layer_norm(part.back(seen) + x, x.shape[3:]), score


class Block(nn.Module):
    """x [B, N, T, C] -> [B, N, T, channels]; a graph convolution, then gated ones over time."""

    def __init__(self, inputs: int, lags: int, size: DSTAGNNSize):
        super().__init__()
        c, self.order = size.channels, size.order
        self.attend, self.token = Attention(size), nn.Linear(lags * inputs, size.width)
        self.norm_token, self.norm = nn.LayerNorm(size.width), nn.LayerNorm(c)
        wide = size.order * size.head
        self.query, self.key = (nn.Linear(size.width, wide, bias=False) for _ in range(2))
        self.maps = nn.Parameter(torch.empty(size.order, inputs, c))
        for weight in self.maps:
            nn.init.xavier_uniform_(weight)
        self.gated = nn.ModuleList([nn.Conv2d(c, 2 * c, (1, k)) for k in KERNELS])
        self.join = nn.Linear(len(KERNELS) * (lags + 1) - sum(KERNELS), lags)
        self.lift = nn.Linear(inputs, c) if inputs != c else None
        self.drop = nn.Dropout(size.dropout)

    def forward(
        self, x: NodeSeries, part: Sensors, graph: Sequence[Support], before: Earlier
    ) -> tuple[Float[Tensor, "b node lag output"], Scores]:
        """The block's maps, and its scores over time."""
        seen, score = self.attend(x.permute(0, 3, 2, 1), part, before)
        near = F.relu(self.spread(x, self.between(seen, part), part, graph))
        new = self.drop(self.join(self.over_time(near))).permute(0, 2, 3, 1)
        new = F.relu(new if self.lift is not None else near + new)
        old = x if self.lift is None else self.lift(x)
        return self.norm(F.relu(old + new)), score

    def between(self, seen: Steps, part: Sensors) -> Float[Tensor, "b order node node"]:
        """Scores between sensors, each told by all its steps and channels."""
        token = self.token(seen.permute(0, 3, 2, 1).flatten(2))
        token = self.drop(self.norm_token(token + part.place))
        q, k = (
            line(token).unflatten(2, (self.order, -1)).transpose(1, 2)
            for line in (self.query, self.key)
        )
        return q @ k.mT / q.shape[3] ** 0.5

    def spread(
        self,
        x: NodeSeries,
        score: Float[Tensor, "b order node node"],
        part: Sensors,
        graph: Sequence[Support],
    ) -> Float[Tensor, "b node lag output"]:
        """sum_k (T_k * softmax over senders)^T x theta_k."""
        polynomials, related = graph
        share = (score + related * part.mask).softmax(2) * polynomials
        return sum(
            (share[:, k].mT @ x.flatten(2)).view_as(x) @ self.maps[k] for k in range(self.order)
        )

    def over_time(self, x: NodeSeries) -> Float[Tensor, "b channel node joined"]:
        """tanh * sigmoid of each kernel, side by side."""
        x, parts = x.permute(0, 3, 1, 2), []
        for layer in self.gated:
            signal, gate = layer(x).chunk(2, 1)
            parts.append(signal.tanh() * gate.sigmoid())
        return torch.cat(parts, 3)


class DSTAGNN(nn.Module):
    """x [B, N, L, C], (city, polynomials, STRG) -> scaled speeds [B, N, Q]; reads speed only.

    `bound` holds the parts of each city. The release has 2,598,154 parameters for 207 sensors
    and 6 steps; 42 N + 3,168 of them never learn and are left out.
    """

    def __init__(
        self, nodes: dict[str, int], lags: int, ahead: int, size: DSTAGNNSize = DSTAGNNSize()
    ):
        super().__init__()
        widths = [1] + [size.channels] * (size.blocks - 1)
        self.blocks = nn.ModuleList([Block(c, lags, size) for c in widths])
        self.bound = nn.ModuleDict({
            name: nn.ModuleList([Sensors(n, lags, size, not b) for b in range(size.blocks)])
            for name, n in nodes.items()
        })  # fmt: skip
        self.final = nn.Sequential(
            nn.Linear(size.blocks * lags * size.channels, FINAL), nn.Linear(FINAL, ahead)
        )

    def forward(
        self, x: NodeSeries, graph: tuple[str, Polynomials, Square]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        city, *graph = graph
        x, score, found = x[..., :1], 0.0, []
        for block, part in zip(self.blocks, self.bound[city], strict=True):
            x, score = block(x, part, graph, score)
            found.append(x)
        return self.final(torch.cat(found, 2).flatten(2))


def build(task: Task, settings: DSTAGNNSettings) -> tuple[nn.Module, dict]:
    """The network and the graphs of all cities; DataError without a day of the target."""
    if not len(task.target.train):
        raise DataError(
            f"{task.target.name}: no day to learn from; DSTAGNN has weights of sensors"
        )
    cities, protocol = (task.target, *task.sources), task.protocol
    nodes = {c.name: c.speed.shape[1] for c in cities}
    network = DSTAGNN(nodes, protocol.lags, protocol.ahead, settings.backbone)
    graphs = {c.name: graph_inputs(c, 1440 // task.minutes, settings) for c in cities}
    return network.to(task.device), graphs


def graph_inputs(
    city: CitySpeed, steps: int, settings: DSTAGNNSettings
) -> tuple[str, Polynomials, Square]:
    """The city's name, its polynomials, and STRG."""
    distance = day_distance(visible_days(city, steps, settings.days))
    links, related = nearest_graphs(distance, settings.share)
    return city.name, torch.stack(chebyshev(links, settings.backbone.order)), related


METHOD = reptile("DSTAGNN", DSTAGNNSettings, build, bound=True, roads=False)
