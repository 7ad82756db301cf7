"""Graphs of DSTAGNN: which sensors have days that cost little to carry into one another.

Lan et al. (ICML 2022), section 4.1: the distance of two sensors is the least cost of moving the
days of one to the days of the other, where a day weighs as much as its norm and a move costs
1 - cosine. The release solves a linear program for each pair of sensors; here all pairs are
solved at once by Sinkhorn's scaling with a small temperature.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.speedgraph.networks.graph_operators import Square

SHARPNESS = 100.0  # greatest cost of a pair, in temperatures
ROUNDS = 100
CHUNK = 16  # sensors against all others at once


def transport(
    cost: Float[Tensor, "*b i j"], here: Float[Tensor, "*b i"], there: Float[Tensor, "*b j"]
) -> Float[Tensor, "*b"]:
    """Cost of the plan with these marginals, each summing to 1; almost the least one."""
    heat = cost.amax((-2, -1), keepdim=True).clamp_min(1e-12) / SHARPNESS
    score, goal = -cost / heat, (here.log(), there.log())
    down = torch.zeros_like(there)
    for _ in range(ROUNDS):
        across = goal[0] - (score + down[..., None, :]).logsumexp(-1)
        down = goal[1] - (score + across[..., None]).logsumexp(-2)
    plan = (score + across[..., None] + down[..., None, :]).exp()
    return (plan * cost).sum((-2, -1))


def day_distance(days: Float[Tensor, "day step node"]) -> Square:
    """Symmetric, zero diagonal; some rows of sensors at a time."""
    vectors = days.permute(2, 0, 1).double()
    norms = vectors.norm(dim=2)
    unit, mass = vectors / norms.clamp_min(1e-9)[..., None], norms.clamp_min(1e-9)
    mass = mass / mass.sum(1, keepdim=True)
    rows = []
    for own, weight in zip(unit.split(CHUNK), mass.split(CHUNK), strict=True):
        cost = (1 - torch.einsum("ids,jes->ijde", own, unit)).clamp_min(0)
        shape = cost.shape[:3]
        rows.append(transport(cost, weight[:, None].expand(shape), mass.expand(shape)))
    apart = torch.cat(rows)
    apart = (apart + apart.T) / 2
    return apart - torch.diag(apart.diagonal())


def nearest_graphs(distance: Square, share: float) -> tuple[Square, Square]:
    """(STAG, STRG): links to the nearest `share` of all sensors, one at least, and their weight.

    The weight is the similarity over its column's mean; STRG has a diagonal, STAG has none.
    """
    nodes = len(distance)
    far = distance + torch.diag(torch.full((nodes,), torch.inf).to(distance))
    near = far.topk(min(max(int(share * nodes), 1), nodes), largest=False).indices
    links = torch.zeros_like(distance).scatter_(1, near, 1.0)
    links = links - torch.diag(links.diagonal())
    alike = 1 - distance
    weight = alike / alike.mean(0)
    return links.float(), ((links + torch.eye(nodes).to(links)) * weight).float()
