"""Region embeddings of CrossTReS: several graphs over a city's cells, fused into one vector each.

Jin et al., "Selective cross-city transfer learning for traffic prediction via source city region
re-weighting" (KDD 2022). Its road and origin-destination graphs need data that cities here
lack; a graph of alike demand takes their place.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.regions import poi_shares

VIEWS = ("proximity", "poi", "demand")


class CityGraphs(nn.Module):
    """Nodes and edges of one direction of a city: shares [R, K], edges [V, R, R] with loops.

    DataError when the city has no POI.
    """

    def __init__(self, city: CityFlow, near: int):
        super().__init__()
        if city.poi is None:
            raise DataError(f"{city.name}: CrossTReS needs the POI of every city")
        shares = poi_shares(city.poi, city.mask[0])
        self.register_buffer("shares", shares, persistent=False)
        self.register_buffer("alike", cosines(shares), persistent=False)
        views = [neighbours(city), top(self.alike, near), top(cosines(_centred(city)), near)]
        edges = torch.stack(views) | torch.eye(
            len(shares), dtype=torch.bool, device=shares.device
        )
        self.register_buffer("edges", edges, persistent=False)


def neighbours(city: CityFlow) -> Bool[Tensor, "r r"]:
    """Valid cells that touch, corners included: up to 8 each."""
    cells, columns = city.cells(), city.flow.shape[3]
    place = torch.stack([cells // columns, cells % columns], 1)
    return (place[:, None] - place[None, :]).abs().amax(2) == 1


def cosines(rows: Float[Tensor, "r k"]) -> Float[Tensor, "r r"]:
    """Cosine of all pairs; 0 where a row is zero."""
    unit = F.normalize(rows, dim=1)
    return unit @ unit.T


def top(alike: Float[Tensor, "r r"], count: int) -> Bool[Tensor, "r r"]:
    """Pairs of which one is among the other's `count` most alike others."""
    off = alike.clone().fill_diagonal_(-torch.inf)
    chosen = off.topk(min(count, len(off) - 1), 1).indices
    kept = torch.zeros_like(alike, dtype=torch.bool).scatter_(1, chosen, True)
    return kept | kept.T


def _centred(city: CityFlow) -> Float[Tensor, "r t"]:
    """Training series of each valid cell around its mean: cosines are correlations."""
    series = city.labels(city.train).T
    return series - series.mean(1, keepdim=True)


class GraphAttention(nn.Module):
    """x [R, I], edges [R, R] -> [R, heads * O]: attention over neighbours plus a residual."""

    def __init__(self, inputs: int, outputs: int, heads: int = 2):
        super().__init__()
        self.heads = heads
        self.value = nn.Linear(inputs, heads * outputs, bias=False)
        self.residual = nn.Linear(inputs, heads * outputs, bias=False)
        self.ends = nn.Parameter(torch.randn(2, heads, outputs) * outputs**-0.5)

    def forward(
        self, x: Float[Tensor, "r i"], edges: Bool[Tensor, "r r"]
    ) -> Float[Tensor, "r o"]:
        """Every cell's new row, heads side by side."""
        h = self.value(x).unflatten(1, (self.heads, -1))
        to, source = (h * self.ends[:, None]).sum(3)  # [R, heads] each
        scores = F.leaky_relu(to[:, None] + source[None, :], 0.2)
        scores = scores.masked_fill(~edges[..., None], -torch.inf).softmax(1)
        return torch.einsum("ijh,jho->iho", scores, h).flatten(1) + self.residual(x)


class RegionEmbedding(nn.Module):
    """Graphs of a city -> fused embedding [R, 64] and one of each view [V, R, 64]."""

    def __init__(self, categories: int, width: int = 64, blend: float = 0.8):
        super().__init__()
        self.blend = blend
        self.first = nn.ModuleList(GraphAttention(categories, width) for _ in VIEWS)
        self.second = nn.ModuleList(GraphAttention(2 * width, width // 2) for _ in VIEWS)
        self.attention = nn.ModuleList(nn.Linear(width, 3 * width) for _ in VIEWS)
        self.gate = nn.Linear(width, width)

    def forward(
        self, city: CityGraphs
    ) -> tuple[Float[Tensor, "r d"], Float[Tensor, "view r d"]]:
        """All views through two layers of attention, blended, then gated into one."""
        views = []
        for first, second, edges in zip(self.first, self.second, city.edges, strict=True):
            views.append(second(first(city.shares, edges).relu(), edges))
        seen = [_attend(layer(view)) for layer, view in zip(self.attention, views, strict=True)]
        mixed = torch.stack(views) * (1 - self.blend) + torch.stack(seen).mean(0) * self.blend
        fused = (self.gate(mixed).sigmoid() * mixed).sum(0)
        return fused, (mixed + fused) / 2


def _attend(triple: Float[Tensor, "r d3"]) -> Float[Tensor, "r d"]:
    """Scaled dot-product attention of all cells to all cells."""
    query, key, value = triple.chunk(3, 1)
    return (query @ key.T / key.shape[1] ** 0.5).softmax(1) @ value
