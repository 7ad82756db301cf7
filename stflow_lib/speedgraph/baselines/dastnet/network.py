"""DASTNet's network: features of nodes that steer a recurrent cell."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square

Nodes = Float[Tensor, "node unit"]
State = Float[Tensor, "b node unit"]
Vectors = Float[Tensor, "node vector"]
Graph = tuple[str, Vectors, Square]  # city, vectors of its nodes, mean over neighbours


@dataclass(frozen=True)
class DASTNetSize:
    """Widths of the released settings."""

    vectors: int = 64  # of a node, from walks
    units: int = 64  # of everything else
    classifier: int = 16
    length: int = 8  # nodes of a walk
    window: int = 5  # of it


class Extractor(nn.Module):
    """Vectors [N, V] -> features [N, U]: own and neighbours' mean, norm over nodes, two lines."""

    def __init__(self, size: DASTNetSize):
        super().__init__()
        self.lift, self.out = nn.Linear(size.vectors, size.units), nn.Linear(*[size.units] * 2)
        self.norm, self.own = nn.BatchNorm1d(size.units), nn.Parameter(torch.ones(1))

    def forward(self, vectors: Vectors, near: Square) -> Nodes:
        """Features of all nodes."""
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

    def forward(self, speed: Float[Tensor, "b node lag"], feature: Nodes) -> State:
        """The last state."""
        state, feature = speed.new_zeros(*speed.shape[:2], len(self.map)), feature @ self.map
        old, known = self.join.weight.chunk(2, 1)
        known = F.linear(feature + self.shift, known, self.join.bias)
        for x in speed.unbind(2):
            state = F.linear(self.new(x[..., None], state), old) + known
        return state

    def new(self, x: Float[Tensor, "b node 1"], state: State) -> State:
        """The GRU's next state, before it is joined."""
        reset, update = self.gates(torch.cat([x, state], 2)).sigmoid().chunk(2, 2)
        candidate = self.candidate(torch.cat([x, reset * state], 2)).tanh()
        return update * state + (1 - update) * candidate


class DASTNet(nn.Module):
    """x [B, N, L, C], graph -> scaled speeds [B, N, Q]; a head for each city.

    The release has 113,746 parameters for three cities and three steps ahead; its private
    extractors of the sources, with their lines, never learn and are left out. `alike`: one
    extractor for the common features of all cities.
    """

    def __init__(
        self,
        cities: list[str],
        ahead: int,
        size: DASTNetSize = DASTNetSize(),
        alike: bool = True,
    ):
        super().__init__()
        u = size.units
        self.shared = nn.ModuleList(
            [Extractor(size) for _ in range(1 if alike else len(cities))]
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

    def forward(self, x: NodeSeries, graph: Graph) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds, by the city's own head."""
        head = self.heads[self.cities.index(graph[0])]
        return head(self.cell(x[..., 0], self.feature(graph)))
