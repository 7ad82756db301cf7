"""Graph WaveNet without its adaptive graph, so that it belongs to no city (Wu et al., IJCAI 2019).

Eight layers of a gated dilated convolution over time and a diffusion over neighbours, all of
them heard by one head.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import (
    NodeSeries,
    Support,
    propagate,
)

DILATIONS = (1, 2) * 4
RECEPTIVE_FIELD = 1 + sum(DILATIONS)  # input steps that reach the last layer: 13
ORDER = 2  # powers of each support


@dataclass(frozen=True)
class GWNSize:
    """Widths of the released settings."""

    channels: int = 32
    skip: int = 256
    end: int = 512
    dropout: float = 0.3
    norm: str = "batch"  # after each layer; "none": statistics of cities never meet

    def __post_init__(self):
        if self.norm not in ("batch", "none"):
            raise ValueError(f"norm {self.norm!r}: want batch or none")


class Layer(nn.Module):
    """[B, N, T, C] -> the same with `dilation` steps less, and what the head hears of it.

    The last layer feeds the head only: it has no diffusion, which in the release never learns.
    """

    def __init__(self, dilation: int, supports: int, size: GWNSize, last: bool):
        super().__init__()
        c, self.dilation = size.channels, dilation
        self.signal, self.gate = (nn.Conv2d(c, c, (1, 2), dilation=(1, dilation)) for _ in "sg")
        self.skip = nn.Linear(c, size.skip)
        self.diffuse = None if last else nn.Linear((1 + ORDER * supports) * c, c)
        self.norm = nn.BatchNorm2d(c) if size.norm == "batch" and not last else None
        self.drop = nn.Dropout(size.dropout)

    def forward(
        self, x: NodeSeries, supports: Sequence[Support]
    ) -> tuple[Float[Tensor, "b node later channel"], Float[Tensor, "b node skip"]]:
        """The layer's series, and what the head hears."""
        wide = x.permute(0, 3, 1, 2)
        h = (self.signal(wide).tanh() * self.gate(wide).sigmoid()).permute(0, 2, 3, 1)
        heard = self.skip(h[:, :, -1])
        if self.diffuse is None:
            return h, heard
        out = self.drop(self.diffuse(torch.cat([h, *diffusion_terms(h, supports)], 3)))
        out = out + x[:, :, self.dilation :]
        if self.norm is not None:
            out = self.norm(out.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return out, heard


def diffusion_terms(h: NodeSeries, supports: Sequence[Support]) -> list[NodeSeries]:
    """A h, A^2 h for each support A."""
    found = []
    for support in supports:
        walked = h
        for _ in range(ORDER):
            walked = propagate(support, walked)
            found.append(walked)
    return found


class GraphWaveNet(nn.Module):
    """x [B, N, L, C], supports [N, N] or [B, N, N] each -> scaled speeds [B, N, Q].

    285,798 parameters of the release for two features, six steps ahead and two supports, less
    those that never learn. Windows shorter than `RECEPTIVE_FIELD` are padded with zeros in front.
    """

    def __init__(self, inputs: int, ahead: int, supports: int = 2, size: GWNSize = GWNSize()):
        super().__init__()
        self.start = nn.Linear(inputs, size.channels)
        last = len(DILATIONS) - 1
        self.layers = nn.ModuleList(
            [Layer(d, supports, size, number == last) for number, d in enumerate(DILATIONS)]
        )
        self.head = nn.Sequential(
            nn.ReLU(), nn.Linear(size.skip, size.end), nn.ReLU(), nn.Linear(size.end, ahead)
        )

    def forward(
        self, x: NodeSeries, supports: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        x = self.start(F.pad(x, (0, 0, max(RECEPTIVE_FIELD - x.shape[2], 0), 0)))
        heard = 0.0
        for layer in self.layers:
            x, own = layer(x, supports)
            heard = heard + own
        return self.head(heard)
