"""The graph of four steps that FOGS and STFGNN convolve on, and layers that walk along it.

Sensors of the four steps are 4 N nodes of one graph. It is held in blocks of N x N: six of them
link different sensors, ten link a sensor to itself and are vectors.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import Square

Localized = dict[tuple[int, int], Float[Tensor, "... node"]]  # blocks by (to, from)

STACKED = 4  # steps in the localized graph
# Its blocks with links between sensors, and those without.
ACROSS = ((0, 0), (0, 3), (1, 1), (2, 2), (3, 0), (3, 3))
AGAIN = tuple((i, j) for i in range(4) for j in range(4) if (i, j) not in ACROSS)


@dataclass(frozen=True)
class FOGSSize:
    """Widths of the released settings."""

    channels: int = 64
    end: int = 128  # of each step's head
    layers: int = 3


class SensorGraphs(nn.Module):
    """Of one city: links of the localized graph, a mask over them, a place in each layer.

    Links of a sensor to itself between steps are a vector each, all others a matrix; an entry
    without a link has no mask. At first links * mask is the mean over what a row links to: with
    the links alone, as the release's network has it, values grow by about 10 in each round.
    """

    def __init__(self, road: Square, learned: Square, size: FOGSSize):
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


def propagate_local(
    graph: Localized, x: Float[Tensor, "four node b c"], wanted: Iterable[int]
) -> Float[Tensor, "wanted node b c"]:
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

    def forward(
        self, x: Float[Tensor, "4 node b c"], graph: Localized
    ) -> Float[Tensor, "node b c"]:
        """The second step, from all four."""
        best, last = None, len(self.lines) - 1
        for number, line in enumerate(self.lines):
            rows = propagate_local(graph, x, (1,) if number == last else range(STACKED))
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

    def forward(
        self,
        x: Float[Tensor, "lag node b c"],
        graph: Localized,
        place: Float[Tensor, "node c"],
    ) -> Float[Tensor, "later node b c"]:
        """Every four steps joined."""
        x = x + self.step[:, None, None] + place[:, None]
        ends = torch.cat([x[: 1 - STACKED], x[STACKED - 1 :]], 3)  # two taps, three steps apart
        gated = self.signal(ends).tanh() * self.gate(ends).sigmoid()
        near = [module(x[i : i + STACKED], graph) for i, module in enumerate(self.parts)]
        return torch.stack(near) + gated
