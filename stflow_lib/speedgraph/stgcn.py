"""STGCN without anything that belongs to a node: time, graph, time, twice, then a line.

Variant A of the spec: the layers of Yu et al. (IJCAI 2018) as ST-GFSL has them, so one network
serves graphs of any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Maps = Float[Tensor, "b node lag channel"]


@dataclass(frozen=True)
class Size:
    """Widths of the paper's backbone."""

    channels: int = 64  # of the temporal layers
    mixed: int = 16  # of the graph layers
    kernel: int = 3  # steps that a temporal layer joins


class TimeBlock(nn.Module):
    """(p + q) * sigmoid(r) of three convolutions over time, then ReLU; [B, N, T, C] -> T - 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3):
        super().__init__()
        self.p, self.q, self.r = (nn.Conv2d(inputs, outputs, (1, kernel)) for _ in range(3))

    def forward(self, x: Maps) -> Maps:
        x = x.permute(0, 3, 1, 2)
        out = F.relu((self.p(x) + self.q(x)) * self.r(x).sigmoid())
        return out.permute(0, 2, 3, 1)


class Block(nn.Module):
    """Time, mixing over neighbours with a map of its own for each support, time."""

    def __init__(self, inputs: int, size: Size, supports: int):
        super().__init__()
        self.before = TimeBlock(inputs, size.channels, size.kernel)
        self.maps = nn.ParameterList(
            [nn.Parameter(torch.empty(size.channels, size.mixed)) for _ in range(supports)]
        )
        for weight in self.maps:
            nn.init.uniform_(weight, -(size.mixed**-0.5), size.mixed**-0.5)
        self.after = TimeBlock(size.mixed, size.channels, size.kernel)

    def forward(self, x: Maps, supports: Sequence[Tensor]) -> Maps:
        x = self.before(x)
        mixed = sum(mix(a, x @ w) for a, w in zip(supports, self.maps, strict=True))
        return self.after(F.relu(mixed))


class STGCN(nn.Module):
    """x [B, N, 12, C], supports [N, N] or [B, N, N] each -> scaled speeds [B, N, Q].

    97,094 parameters for two features and one support, 1,024 more for each further support and
    block. ValueError for windows that the temporal layers use up.
    """

    def __init__(
        self, inputs: int, ahead: int, lags: int = 12, supports: int = 1, size: Size = Size()
    ):
        super().__init__()
        left = lags - 5 * (size.kernel - 1)
        if left < 1:
            raise ValueError(f"{lags} input steps: five temporal layers leave {left}")
        self.blocks = nn.ModuleList(
            [Block(width, size, supports) for width in (inputs, size.channels)]
        )
        self.last = TimeBlock(size.channels, size.channels, size.kernel)
        self.head = nn.Linear(left * size.channels, ahead)

    def forward(self, x: Maps, supports: Sequence[Tensor]) -> Float[Tensor, "b node ahead"]:
        for block in self.blocks:
            x = block(x, supports)
        return self.head(self.last(x).flatten(2))


def mix(support: Tensor, x: Maps) -> Maps:
    """Every node receives its row's share of the others: sum_m A[n, m] x[m]."""
    flat = x.flatten(2)
    return (support.to(x.dtype) @ flat).view_as(x)
