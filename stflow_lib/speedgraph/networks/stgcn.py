"""STGCN without anything that belongs to a node: time, graph, time, twice, then a line.

Variant A: the layers of Yu et al. (IJCAI 2018) as ST-GFSL has them. Variant B: as in the paper
and in hazdzz/STGCN, with Chebyshev polynomials of the Laplacian, residual paths and norms, but
norms over channels and no bias of a node, so that one network serves graphs of any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.graph_operators import (
    LaterSeries,
    NodeSeries,
    Support,
    polynomials,
    propagate,
)


@dataclass(frozen=True)
class STGCNSize:
    """Widths of either variant; ValueError for a third."""

    channels: int = 64  # of the temporal layers
    mixed: int = 16  # of the graph layers
    kernel: int = 3  # steps that a temporal layer joins
    variant: str = "A"
    order: int = 3  # B: Chebyshev polynomials, the first of which is 1
    end: int = 128  # B: of the head
    dropout: float = 0.5  # B

    def __post_init__(self):
        if self.variant not in ("A", "B"):
            raise ValueError(f"STGCN has variants A and B, not {self.variant!r}")

    def want_a(self, where: str) -> "STGCNSize":
        """Itself; ValueError naming `where` when it is not variant A."""
        if self.variant != "A":
            raise ValueError(f"{where} is made of STGCN's variant A, not {self.variant}")
        return self


class TimeBlock(nn.Module):
    """(p + q) * sigmoid(r) of three convolutions over time, then ReLU; [B, N, T, C] -> T - 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3):
        super().__init__()
        self.p, self.q, self.r = (nn.Conv2d(inputs, outputs, (1, kernel)) for _ in range(3))

    def forward(self, x: NodeSeries) -> LaterSeries:
        """The joined steps."""
        x = x.permute(0, 3, 1, 2)
        out = F.relu((self.p(x) + self.q(x)) * self.r(x).sigmoid())
        return out.permute(0, 2, 3, 1)


class STConvBlock(nn.Module):
    """Time, mixing over neighbours with a map of its own for each support, time."""

    def __init__(self, inputs: int, size: STGCNSize, supports: int):
        super().__init__()
        self.before = TimeBlock(inputs, size.channels, size.kernel)
        self.maps = nn.ParameterList(
            [nn.Parameter(torch.empty(size.channels, size.mixed)) for _ in range(supports)]
        )
        for weight in self.maps:
            nn.init.uniform_(weight, -(size.mixed**-0.5), size.mixed**-0.5)
        self.after = TimeBlock(size.mixed, size.channels, size.kernel)

    def forward(self, x: NodeSeries, supports: Sequence[Support]) -> LaterSeries:
        """Two temporal layers' steps less."""
        x = self.before(x)
        mixed = sum(propagate(a, x @ w) for a, w in zip(supports, self.maps, strict=True))
        return self.after(F.relu(mixed))


class STGCN(nn.Module):
    """x [B, N, 12, C], supports [N, N] or [B, N, N] each -> scaled speeds [B, N, Q].

    97,094 parameters for two features and one support, 1,024 more for each further support and
    block. ValueError for windows that the temporal layers use up.
    """

    def __init__(
        self,
        inputs: int,
        ahead: int,
        lags: int = 12,
        supports: int = 1,
        size: STGCNSize = STGCNSize(),
    ):
        super().__init__()
        left = lags - 5 * (size.kernel - 1)
        if left < 1:
            raise ValueError(f"{lags} input steps: five temporal layers leave {left}")
        self.blocks = nn.ModuleList(
            [STConvBlock(width, size, supports) for width in (inputs, size.channels)]
        )
        self.last = TimeBlock(size.channels, size.channels, size.kernel)
        self.head = nn.Linear(left * size.channels, ahead)

    def forward(
        self, x: NodeSeries, supports: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        for block in self.blocks:
            x = block(x, supports)
        return self.head(self.last(x).flatten(2))


class GatedTime(nn.Module):
    """(p + x) * sigmoid(q) of one convolution over time; x is cut to the steps that are left."""

    def __init__(self, inputs: int, outputs: int, kernel: int):
        super().__init__()
        self.both = nn.Conv2d(inputs, 2 * outputs, (1, kernel))
        self.align = Align(inputs, outputs)
        self.kernel = kernel

    def forward(self, x: NodeSeries) -> LaterSeries:
        """The joined steps."""
        p, q = self.both(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).chunk(2, 3)
        return (p + self.align(x[:, :, self.kernel - 1 :])) * q.sigmoid()


class Align(nn.Module):
    """Residual path: a linear map to fewer channels, zeros for more."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.more = max(outputs - inputs, 0)
        self.map = nn.Linear(inputs, outputs) if inputs > outputs else None

    def forward(self, x: NodeSeries) -> Float[Tensor, "b node lag output"]:
        """The same steps with other channels."""
        return F.pad(x, (0, self.more)) if self.map is None else self.map(x)


class STConvBlockB(nn.Module):
    """Time, polynomials of each support, time, norm over channels, dropout."""

    def __init__(self, inputs: int, size: STGCNSize, supports: int):
        super().__init__()
        c, few = size.channels, size.mixed
        self.order = size.order
        self.before, self.after = (GatedTime(i, c, size.kernel) for i in (inputs, few))
        self.align = Align(c, few)
        self.mixed = nn.Linear((1 + (size.order - 1) * supports) * few, few)
        self.norm, self.drop = nn.LayerNorm(c), nn.Dropout(size.dropout)

    def forward(self, x: NodeSeries, supports: Sequence[Support]) -> LaterSeries:
        """Two temporal layers' steps less."""
        x = self.align(self.before(x))
        terms = [x, *(t for s in supports for t in polynomials(s, x, self.order)[1:])]
        x = F.relu(x + self.mixed(torch.cat(terms, 3)))
        return self.drop(self.norm(self.after(x)))


class STGCNB(nn.Module):
    """x [B, N, 12, C], supports [N, N] or [B, N, N] each -> scaled speeds [B, N, Q].

    124,353 parameters for one feature, one step ahead and one support; hazdzz/STGCN has 244,609
    for 207 sensors, most of the rest in norms of single sensors. ValueError for windows that the
    temporal layers use up.
    """

    def __init__(
        self,
        inputs: int,
        ahead: int,
        lags: int = 12,
        supports: int = 1,
        size: STGCNSize = STGCNSize(),
    ):
        super().__init__()
        left = lags - 4 * (size.kernel - 1)
        if left < 1:
            raise ValueError(f"{lags} input steps: four temporal layers leave {left}")
        self.blocks = nn.ModuleList(
            [STConvBlockB(width, size, supports) for width in (inputs, size.channels)]
        )
        self.last = GatedTime(size.channels, size.end, left)
        self.head = nn.Sequential(
            nn.LayerNorm(size.end), nn.Linear(size.end, size.end), nn.ReLU(),
            nn.Dropout(size.dropout), nn.Linear(size.end, ahead),
        )  # fmt: skip

    def forward(
        self, x: NodeSeries, supports: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        for block in self.blocks:
            x = block(x, supports)
        return self.head(self.last(x)[:, :, 0])
