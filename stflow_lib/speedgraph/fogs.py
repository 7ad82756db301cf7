"""FOGS: forecast how speeds will change, on a graph of four steps that is partly learned.

Rao et al., "FOGS: First-order gradient supervision with learning-based graph for traffic flow
forecasting" (IJCAI 2022), through Reptile. Masks and places belong to a city's sensors and are
not averaged.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.data.schema import DataError
from stflow_lib.speedgraph.city import CitySpeed
from stflow_lib.speedgraph.graph import without_loops
from stflow_lib.speedgraph.learned_graph import learned_graph
from stflow_lib.speedgraph.reptile import ReptileSettings, reptile
from stflow_lib.speedgraph.seen_days import daily_profile
from stflow_lib.speedgraph.stgcn import Maps
from stflow_lib.speedgraph.task import Task

Localized = dict[tuple[int, int], Tensor]  # blocks by (to, from)

STACKED = 4  # steps in the localized graph
ACROSS = (
    (0, 0),
    (0, 3),
    (1, 1),
    (2, 2),
    (3, 0),
    (3, 3),
)  # its blocks with links between sensors
AGAIN = tuple((i, j) for i in range(4) for j in range(4) if (i, j) not in ACROSS)  # and without
LEAST = 1.0  # mph or km/h: a change is told in parts of at least this
INSTEAD = 5.0  # where no speed of the window is greater


@dataclass(frozen=True)
class Size:
    """Widths of the released settings."""

    channels: int = 64
    end: int = 128  # of each step's head
    layers: int = 3


@dataclass(frozen=True)
class FOGSSettings(ReptileSettings):
    """Reptile's, and how the graph is learned."""

    backbone: object = field(default_factory=Size)
    width: int = 128  # of a sensor's vector
    alike: int = 10  # sensors that a walk may step on
    most: int = 10  # learned links of a sensor


class Sensors(nn.Module):
    """Of one city: links of the localized graph, a mask over them, a place in each layer.

    Links of a sensor to itself between steps are a vector each, all others a matrix; an entry
    without a link has no mask. At first links * mask is the mean over what a row links to: with
    the links alone, as the release's network has it, values grow by about 10 in each round.
    """

    def __init__(self, road: Tensor, learned: Tensor, size: Size):
        super().__init__()
        one = torch.eye(len(road)).to(road)
        blocks = [learned if i in (0, 3) else road for i, _ in ACROSS]
        links = torch.stack([b - torch.diag(b.diagonal()) + (i == j) * one
                             for b, (i, j) in zip(blocks, ACROSS, strict=True)])  # fmt: skip
        self.register_buffer("links", links)
        share = 1 / _totals(links)  # [4, N]
        self.mask = nn.Parameter(torch.stack([share[i][:, None] * one.new_ones(len(road))
                                              for i, _ in ACROSS]))  # fmt: skip
        self.again = nn.Parameter(torch.stack([share[i] for i, _ in AGAIN]))
        self.place = nn.Parameter(torch.empty(size.layers, len(road), size.channels))
        nn.init.xavier_normal_(self.place, 3e-4)

    def graph(self) -> Localized:
        """Links * mask: its blocks by their place, matrices and, of a sensor to itself, vectors."""
        blocks = dict(zip(ACROSS, (self.links * self.mask).unbind(), strict=True))
        return blocks | dict(zip(AGAIN, self.again.unbind(), strict=True))


def _totals(links: Float[Tensor, "block node node"]) -> Float[Tensor, "four node"]:
    """Sums over the rows of the localized graph; each has at least a link to itself."""
    sums = dict(zip(ACROSS, links.sum(2), strict=True))
    return torch.stack(
        [sum(sums.get((i, j), 1.0) for j in range(STACKED)) for i in range(STACKED)]
    )


def spread(graph: Localized, x: Float[Tensor, "four node b c"], wanted) -> Tensor:
    """Rows `wanted` of the localized graph times x, a step at a time."""
    return torch.stack(
        [sum(_through(graph[i, j], x[j]) for j in range(STACKED)) for i in wanted]
    )


def _through(block: Tensor, x: Float[Tensor, "node b c"]) -> Tensor:
    return (block @ x.flatten(1)).view_as(x) if block.dim() == 2 else block[:, None, None] * x


class Module(nn.Module):
    """Four steps [4, N, B, C] -> the second one [N, B, C]: the greatest of three gated rounds."""

    def __init__(self, channels: int):
        super().__init__()
        self.lines = nn.ModuleList([nn.Linear(channels, 2 * channels) for _ in range(3)])

    def forward(self, x: Tensor, graph: Localized) -> Tensor:
        best, last = None, len(self.lines) - 1
        for number, line in enumerate(self.lines):
            rows = spread(graph, x, (1,) if number == last else range(STACKED))
            signal, gate = line(rows).chunk(2, 3)
            x = signal * gate.sigmoid()
            second = x[0] if number == last else x[1]
            best = second if best is None else torch.maximum(best, second)
        return best


class Layer(nn.Module):
    """[T, N, B, C] -> three steps less: a module for each four steps, and a gated convolution."""

    def __init__(self, lags: int, channels: int):
        super().__init__()
        self.step = nn.Parameter(torch.empty(lags, channels))
        nn.init.xavier_normal_(self.step, 3e-4)
        self.parts = nn.ModuleList([Module(channels) for _ in range(lags - STACKED + 1)])
        self.signal, self.gate = (nn.Linear(2 * channels, channels) for _ in range(2))

    def forward(self, x: Tensor, graph: Localized, place: Tensor) -> Tensor:
        x = x + self.step[:, None, None] + place[:, None]
        ends = torch.cat([x[: 1 - STACKED], x[STACKED - 1 :]], 3)  # two taps, three steps apart
        gated = self.signal(ends).tanh() * self.gate(ends).sigmoid()
        near = [module(x[i : i + STACKED], graph) for i, module in enumerate(self.parts)]
        return torch.stack(near) + gated


class FOGS(nn.Module):
    """x [B, N, L, C], (city, mean, deviation) -> scaled speeds [B, N, Q]; reads speed only.

    Of the release's 1,374,998 parameters for 207 sensors and 6 steps, 16 N^2 are a mask; here
    only its blocks with links are held, 6 N^2 + 10 N. ValueError for too short windows.
    """

    def __init__(self, graphs: dict, lags: int, ahead: int, size: Size = Size()):
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
        self.bound = nn.ModuleDict({name: Sensors(*g, size) for name, g in graphs.items()})

    def forward(self, x: Maps, graph) -> Float[Tensor, "b node ahead"]:
        """Last speed * (1 + change), scaled."""
        _, mean, deviation = graph
        last = last_speed(x[..., 0] * deviation + mean)
        return (last * (1 + self.change(x, graph[0])) - mean) / deviation

    def change(self, x: Maps, city: str) -> Float[Tensor, "b node ahead"]:
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
    """The newest speed above `LEAST`, else `INSTEAD`."""
    good = speed > LEAST
    steps = torch.arange(speed.shape[2], device=speed.device).expand_as(speed)
    newest = torch.where(good, steps, -1).amax(2, keepdim=True)
    return torch.where(newest >= 0, speed.gather(2, newest.clamp_min(0)), INSTEAD)


def error(network: FOGS, city: CitySpeed, graphs: dict, steps: Tensor) -> Float[Tensor, ""]:
    """Masked mean absolute error of the change (Eq. 2)."""
    truth, seen = city.labels(steps)
    x = city.windows(steps)
    last = last_speed(city.to_unit(x[..., 0]))
    off = torch.where(seen, network.change(x, city.name) - (truth - last) / last, 0.0)
    return off.abs().sum() / seen.sum().clamp_min(1)


def build(task: Task, settings: FOGSSettings) -> tuple[nn.Module, dict]:
    """The network with every city's sensors; DataError without a day of the target."""
    if not len(task.target.train):
        raise DataError(
            f"{task.target.name}: no day to learn from; FOGS has weights of sensors"
        )
    cities, protocol = (task.target, *task.sources), task.protocol
    made = {c.name: told(c, 1440 // task.minutes, settings) for c in cities}
    network = FOGS(made, protocol.lags, protocol.ahead, settings.backbone)
    return network.to(task.device), {c.name: (c.name, c.mean, c.deviation) for c in cities}


def told(city: CitySpeed, steps: int, settings: FOGSSettings) -> tuple[Tensor, Tensor]:
    """Roads, both ways and of weight 1, and the learned graph."""
    road = without_loops(((city.weights + city.weights.T) > 0).float())
    profile = daily_profile(city, steps)
    return road, learned_graph(city.weights, profile, settings.width, settings.alike,
                               most=settings.most).float()  # fmt: skip


METHOD = reptile("FOGS", FOGSSettings, build, error)
