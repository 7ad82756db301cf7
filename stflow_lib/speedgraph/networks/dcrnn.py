"""DCRNN: recurrent cells whose gates mix neighbours (Li et al., ICLR 2018).

An encoder reads the window, a decoder writes the steps ahead one after the other, each from the
one it has just written. Nothing belongs to a node.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Support

ORDER = 2  # of the diffusion along each support

Inputs = Float[Tensor, "b node input"]  # of one step
State = Float[Tensor, "b node unit"]


@dataclass(frozen=True)
class DCRNNSize:
    """Width of the released settings."""

    units: int = 64
    layers: int = 2


def diffused(x: State, supports: Sequence[Support]) -> Float[Tensor, "b node wider"]:
    """x, and for each support S: S x and 2 S (S x) - x, side by side.

    The recursion starts from x for every support; in the release the second one goes on from
    where the first has ended.
    """
    parts = [x]
    for support in supports:
        before, now = x, support @ x
        parts.append(now)
        for _ in range(ORDER - 1):
            before, now = now, 2 * (support @ now) - before
            parts.append(now)
    return torch.cat(parts, 2)


class Cell(nn.Module):
    """DCGRU: x [B, N, C], h [B, N, U] -> h; both gates open at first."""

    def __init__(self, inputs: int, units: int, supports: int):
        super().__init__()
        seen = (1 + ORDER * supports) * (inputs + units)
        self.gates, self.candidate = nn.Linear(seen, 2 * units), nn.Linear(seen, units)
        for layer in (self.gates, self.candidate):
            nn.init.xavier_normal_(layer.weight)
        nn.init.ones_(self.gates.bias)
        nn.init.zeros_(self.candidate.bias)

    def forward(self, x: Inputs, h: State, supports: Sequence[Support]) -> State:
        """The next state."""
        seen = diffused(torch.cat([x, h], 2), supports)
        reset, update = self.gates(seen).sigmoid().chunk(2, 2)
        new = self.candidate(diffused(torch.cat([x, reset * h], 2), supports)).tanh()
        return update * h + (1 - update) * new


class DCRNN(nn.Module):
    """x [B, N, L, C], supports [N, N] each -> scaled speeds [B, N, Q].

    372,352 parameters for two features and two supports. No labels are fed to the decoder in
    training (the release does so at first, with a falling probability).
    """

    def __init__(
        self, inputs: int, ahead: int, supports: int = 2, size: DCRNNSize = DCRNNSize()
    ):
        super().__init__()
        self.ahead, self.units = ahead, size.units
        self.encoder, self.decoder = (
            nn.ModuleList([
                Cell(size.units if layer else first, size.units, supports)
                for layer in range(size.layers)
            ])
            for first in (inputs, 1)
        )  # fmt: skip
        self.last = nn.Linear(size.units, 1, bias=False)

    def forward(
        self, x: NodeSeries, supports: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds, step by step."""
        states = [x.new_zeros(*x.shape[:2], self.units) for _ in self.encoder]
        for step in x.unbind(2):
            states = _through(self.encoder, step, states, supports)
        written, out = x.new_zeros(*x.shape[:2], 1), []
        for _ in range(self.ahead):
            states = _through(self.decoder, written, states, supports)
            written = self.last(states[-1])
            out.append(written)
        return torch.cat(out, 2)


def _through(cells: nn.ModuleList, x: Inputs, states: list[State], supports) -> list[State]:
    """The states of all layers after one step."""
    new = []
    for cell, h in zip(cells, states, strict=True):
        x = cell(x, h, supports)
        new.append(x)
    return new
