"""NPM, the node prompting module: what a node's window is like, told by shared patterns."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.kernels import node_prompt
from stflow_lib.kernels.ops.node_prompt import bank_init_std
from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square, propagate
from stflow_lib.speedgraph.networks.positions import positions

LEAST_NORM = 1e-6


@dataclass(frozen=True)
class NPMSettings:
    """Size and reading of the prompting module."""

    width: int = 128  # D' of the encoder and of the prompts
    patterns: int = 150  # K of the bank; the paper has half the target's sensors
    mode: str = "gram"  # Eq. 5 as printed; "pattern_softmax", "token_softmax", "code"
    dropout: float = 0.1  # after both graph layers


class Encoder(nn.Module):
    """x [B, N, T, D] -> z [B, N, T, D']: graph, attention over time, norm, graph, norm.

    Eqs. 2, 3 and 4 with every width made to fit: Z_0 is the input lifted by a linear map, its
    positions E_T beside it in the residual and behind the first graph layer alike; attention
    runs over the steps of one node, norms over the width.
    """

    def __init__(self, inputs: int, size: NPMSettings):
        super().__init__()
        width = size.width
        self.lift, self.first = nn.Linear(inputs, width), nn.Linear(inputs, width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
        self.drop = nn.Dropout(size.dropout)

    def forward(self, x: NodeSeries, road: Square) -> Float[Tensor, "b node lag width"]:
        """Z of Eq. 4."""
        near, when = self.drop(F.relu(self.first(propagate(road, x)))), self.when(x)
        z = self.norms[0](self.attend(near + when) + self.lift(x) + when)
        return self.norms[1](z + self.drop(F.relu(self.second(propagate(road, z)))))

    def when(self, x: NodeSeries) -> Float[Tensor, "lag width"]:
        """E_T, the same for all nodes."""
        return positions(x.shape[2], self.lift.out_features).to(x)

    def attend(self, x: NodeSeries) -> NodeSeries:
        """Self-attention over the steps of each node, one head (Eq. 2)."""
        q, k, v = self.qkv(x.flatten(0, 1)).chunk(3, 2)
        seen = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return self.out(seen).view_as(x)


class NPM(nn.Module):
    """x [B, N, T, D], road operator [N, N] -> x with prompts [B, N, T, D + D'], A_K [B, N, N].

    Encoder and bank belong to no node, so one module serves every city. Node prompts are Eq. 5
    with the pattern bank `bank`; windows beside their prompts are Eq. 6, A_K is Eq. 7.

    What learns is `patterns`, which the bank is a multiple of, so that prompts begin near 1 and
    a step of Adam moves them as far with many patterns as with few.
    """

    def __init__(self, inputs: int, steps: int, size: NPMSettings = NPMSettings()):
        super().__init__()
        self.encoder, self.mode = Encoder(inputs, size), size.mode
        shape = (size.width, size.width) if size.mode == "code" else (steps, size.width)
        start = bank_init_std(size.patterns, steps, size.width, size.mode)
        self.scale = step_scale(size.patterns, steps, size.width, size.mode)
        self.patterns = nn.Parameter(start / self.scale * torch.randn(size.patterns, *shape))

    @property
    def bank(self) -> Float[Tensor, "k rows columns"]:
        """B of Eq. 5."""
        return self.scale * self.patterns

    def forward(
        self, x: NodeSeries, road: Square
    ) -> tuple[Float[Tensor, "b node lag wider"], Float[Tensor, "b node node"]]:
        """Windows with their prompts (Eqs. 5 and 6), and A_K (Eq. 7)."""
        prompts = node_prompt(self.encoder(x, road), self.bank, self.mode)
        return torch.cat([x, prompts], 3), knowledge_graph(prompts)


def step_scale(patterns: int, steps: int, width: int, mode: str) -> float:
    """How far the bank moves where `NPM.patterns` move by 1.

    In "gram" and "code" prompts are sums over patterns that a step moves alike. With this scale
    they are means of what the step moves, whatever K is; in the softmax readings they are so
    already.
    """
    if mode == "code":
        return 1 / patterns
    return bank_init_std(patterns, steps, width, mode)


def knowledge_graph(prompts: NodeSeries) -> Float[Tensor, "b node node"]:
    """A_K: cosines of prompts (Eq. 7), negative ones and the diagonal off, rows summing to 1.

    A node that is like no other keeps an empty row.
    """
    flat = prompts.flatten(2).float()
    unit = flat / flat.norm(dim=2, keepdim=True).clamp_min(LEAST_NORM)
    alike = F.relu(unit @ unit.transpose(1, 2))
    alike = alike * (1 - torch.eye(alike.shape[1]).to(alike))
    total = alike.sum(2, keepdim=True)
    return alike / torch.where(total > 0, total, 1.0)
