"""FOGS: forecast how speeds will change, on a graph of four steps that is partly learned.

Rao et al., "FOGS: First-order gradient supervision with learning-based graph for traffic flow
forecasting" (IJCAI 2022), through Reptile. Masks and places belong to a city's sensors and are
not averaged.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.baselines.fogs.learned_graph import learned_graph
from stflow_lib.speedgraph.baselines.fogs.network import STACKED, FOGSSize, Layer, SensorGraphs
from stflow_lib.speedgraph.networks.graph_operators import (
    NodeSeries,
    Square,
    without_loops,
)
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.problem.visible_days import mean_day
from stflow_lib.speedgraph.training.losses import penalty
from stflow_lib.speedgraph.training.reptile import ReptileSettings, reptile

MIN_SPEED = 1.0  # mph or km/h: a change is told in parts of at least this
FALLBACK_SPEED = 5.0  # where no speed of the window is greater


@dataclass(frozen=True)
class FOGSSettings(ReptileSettings):
    """Reptile's, and how the graph is learned."""

    backbone: object = field(default_factory=FOGSSize)
    width: int = 128  # of a sensor's vector
    alike: int = 10  # sensors that a walk may step on
    most: int = 10  # learned links of a sensor


class FOGS(nn.Module):
    """x [B, N, L, C], (city, mean, deviation, change) -> scaled speeds [B, N, Q]; reads speed only.

    Of the release's 1,374,998 parameters for 207 sensors and 6 steps, 16 N^2 are a mask; here
    only its blocks with links are held, 6 N^2 + 10 N. ValueError for too short windows.
    """

    def __init__(self, graphs: dict, lags: int, ahead: int, size: FOGSSize):
        super().__init__()
        left = lags - size.layers * (STACKED - 1)
        if left < 1:
            raise ValueError(f"{lags} input steps: {size.layers} layers leave {left}")
        self.lift = nn.Linear(1, size.channels)
        self.layers = nn.ModuleList(
            [Layer(lags - n * (STACKED - 1), size.channels) for n in range(size.layers)]
        )
        self.heads = nn.ModuleList(
            [_head(left * size.channels, size.end) for _ in range(ahead)]
        )
        self.bound = nn.ModuleDict({name: SensorGraphs(*g, size) for name, g in graphs.items()})

    def forward(
        self, x: NodeSeries, graph: tuple[str, float, float, bool]
    ) -> Float[Tensor, "b node ahead"]:
        """Last speed * (1 + change), scaled."""
        city, mean, deviation, change = graph
        last = last_speed(x[..., 0] * deviation + mean)
        scaled = (last * (1 + self.change(x, city)) - mean) / deviation
        return scaled - x[:, :, -1:, 0] if change else scaled

    def change(self, x: NodeSeries, city: str) -> Float[Tensor, "b node ahead"]:
        """(y - last) / last."""
        part = self.bound[city]
        graph = part.graph()
        h = self.lift(x[..., :1].permute(2, 1, 0, 3)).relu()
        for layer, place in zip(self.layers, part.place, strict=True):
            h = layer(h, graph, place)
        flat = h.permute(2, 1, 0, 3).flatten(2)
        return torch.cat([head(flat) for head in self.heads], 2)


def _head(inputs: int, width: int) -> nn.Sequential:
    """Begins with no change, as the release's tiny first weights do."""
    head = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, 1))
    nn.init.zeros_(head[2].weight)
    nn.init.zeros_(head[2].bias)
    return head


def last_speed(speed: Float[Tensor, "b node lag"]) -> Float[Tensor, "b node 1"]:
    """The newest speed above `MIN_SPEED`, else `FALLBACK_SPEED`."""
    good = speed > MIN_SPEED
    steps = torch.arange(speed.shape[2], device=speed.device).expand_as(speed)
    newest = torch.where(good, steps, -1).amax(2, keepdim=True)
    return torch.where(newest >= 0, speed.gather(2, newest.clamp_min(0)), FALLBACK_SPEED)


def error(
    network: FOGS, city: CitySpeed, graphs: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Masked mean `penalty` of the change, the absolute error of its Eq. 2."""
    truth, seen = city.labels(steps)
    x = city.windows(steps)
    last = last_speed(city.unscale(x[..., 0]))
    off = torch.where(seen, network.change(x, city.name) - (truth - last) / last, 0.0)
    return penalty(network, city, off).sum() / seen.sum().clamp_min(1)


def build(task: Task, settings: FOGSSettings) -> tuple[nn.Module, dict]:
    """The network with every city's sensors; DataError without a day of the target."""
    if not len(task.target.train):
        raise DataError(
            f"{task.target.name}: no day to learn from; FOGS has weights of sensors"
        )
    cities, protocol = (task.target, *task.sources), task.protocol
    made = {c.name: graph_inputs(c, 1440 // task.minutes, settings) for c in cities}
    network = FOGS(made, protocol.lags, protocol.ahead, settings.backbone)
    return network.to(task.device), {
        c.name: (c.name, c.mean, c.deviation, c.change) for c in cities
    }


def graph_inputs(city: CitySpeed, steps: int, settings: FOGSSettings) -> tuple[Square, Square]:
    """Roads, both ways and of weight 1, and the learned graph."""
    road = without_loops(((city.weights + city.weights.T) > 0).float())
    profile = mean_day(city, steps)
    return road, learned_graph(city.weights, profile, settings.width, settings.alike,
                               most=settings.most).float()  # fmt: skip


METHOD = reptile("FOGS", FOGSSettings, build, error, bound=True)
