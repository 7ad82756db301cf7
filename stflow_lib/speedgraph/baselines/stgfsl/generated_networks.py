"""Networks whose convolutions are made for each node and window from what is known of it.

ST-GFSL's parameter generation (Lu et al., KDD 2022, section 4.2) for its two base networks,
STGCN and Graph WaveNet. `m` [B, N, M] is the knowledge, x [B, N, T, C] the maps.
"""

from collections.abc import Sequence
from functools import singledispatch

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.graph_operators import (
    LaterSeries,
    NodeSeries,
    Square,
    Support,
    propagate,
)

Knowledge = Float[Tensor, "b node knowledge"]


class Generated(nn.Module):
    """A convolution over time, C_in -> C_out with k taps, another one for each node and window.

    Its weights are W[c] = V w[c](m) + v: a row w[c] of M numbers for each input channel, made
    from m, goes through one map (V, v) to C_out * k numbers. As V is the same for all, the
    channels can be summed first, sum_c x[c] w[c] and sum_c x[c] for v, and one ordinary
    convolution follows: the same numbers, and no weights are ever laid out for a node.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, wide: int, dilation: int = 1):
        super().__init__()
        self.shape, self.dilation = (outputs, kernel), dilation
        self.rows = nn.Linear(wide, inputs * wide)
        self.taps = nn.Linear(wide, outputs * kernel)
        self.bias = nn.Linear(wide, outputs)

    def forward(self, x: NodeSeries, m: Knowledge) -> LaterSeries:
        """x convolved, each node and window by its own weights."""
        rows = self.rows(m).unflatten(2, (x.shape[3], m.shape[2]))
        summed = torch.cat([x @ rows, x.sum(3, keepdim=True)], 3).permute(0, 3, 1, 2)
        taps = torch.cat([self.taps.weight, self.taps.bias[:, None]], 1)
        weight = taps.view(*self.shape, 1, -1).permute(0, 3, 2, 1)
        out = F.conv2d(summed, weight, dilation=(1, self.dilation))
        return out.permute(0, 2, 3, 1) + self.bias(m)[:, :, None]


class TimeBlock(nn.Module):
    """STGCN's temporal layer with generated convolutions."""

    def __init__(self, inputs: int, outputs: int, kernel: int, wide: int):
        super().__init__()
        self.p, self.q, self.r = (Generated(inputs, outputs, kernel, wide) for _ in range(3))

    def forward(self, x: NodeSeries, m: Knowledge) -> LaterSeries:
        """The joined steps."""
        return F.relu((self.p(x, m) + self.q(x, m)) * self.r(x, m).sigmoid())


class Block(nn.Module):
    """Time, neighbours, time; the map between neighbours is shared by all nodes."""

    def __init__(self, inputs: int, size: stgcn.STGCNSize, wide: int):
        super().__init__()
        self.before = TimeBlock(inputs, size.channels, size.kernel, wide)
        bound = size.mixed**-0.5
        self.map = nn.Parameter(torch.empty(size.channels, size.mixed).uniform_(-bound, bound))
        self.after = TimeBlock(size.mixed, size.channels, size.kernel, wide)

    def forward(self, x: NodeSeries, m: Knowledge, road: Square) -> LaterSeries:
        """Two temporal layers' steps less."""
        return self.after(F.relu(propagate(road, self.before(x, m) @ self.map)), m)


class MetaSTGCN(nn.Module):
    """x, m, road operators -> scaled speeds [B, N, Q]; last temporal layer and head are shared."""

    def __init__(self, inputs: int, ahead: int, lags: int, size: stgcn.STGCNSize, wide: int):
        super().__init__()
        left = lags - 5 * (size.kernel - 1)
        self.blocks = nn.ModuleList([Block(c, size, wide) for c in (inputs, size.channels)])
        self.last = stgcn.TimeBlock(size.channels, size.channels, size.kernel)
        self.head = nn.Linear(left * size.channels, ahead)

    def forward(
        self, x: NodeSeries, m: Knowledge, roads: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        for block in self.blocks:
            x = block(x, m, roads[0])
        return self.head(self.last(x).flatten(2))


class Layer(nn.Module):
    """One layer of Graph WaveNet; the last feeds the head only."""

    def __init__(self, dilation: int, size: gwn.GWNSize, wide: int, last: bool):
        super().__init__()
        c, self.dilation = size.channels, dilation
        self.signal, self.gate = (Generated(c, c, 2, wide, dilation) for _ in range(2))
        self.skip = Generated(c, size.skip, 1, wide)
        self.diffuse = None if last else Generated((1 + 2 * gwn.ORDER) * c, c, 1, wide)
        self.norm = None if last else nn.BatchNorm2d(c)
        self.drop = nn.Dropout(size.dropout)

    def forward(
        self, x: NodeSeries, m: Knowledge, roads: Sequence[Support]
    ) -> tuple[Float[Tensor, "b node later channel"], Float[Tensor, "b node skip"]]:
        """The layer's series, and what the head hears."""
        h = self.signal(x, m).tanh() * self.gate(x, m).sigmoid()
        heard = self.skip(h[:, :, -1:], m)[:, :, 0]
        if self.diffuse is None:
            return h, heard
        out = self.drop(self.diffuse(torch.cat([h, *gwn.diffusion_terms(h, roads)], 3), m))
        out = (out + x[:, :, self.dilation :]).permute(0, 3, 1, 2)
        return self.norm(out).permute(0, 2, 3, 1), heard


class MetaWaveNet(nn.Module):
    """x, m, two road operators -> scaled speeds [B, N, Q]; only norms and head are shared."""

    def __init__(self, inputs: int, ahead: int, lags: int, size: gwn.GWNSize, wide: int):
        super().__init__()
        self.start = Generated(inputs, size.channels, 1, wide)
        last = len(gwn.DILATIONS) - 1
        self.layers = nn.ModuleList(
            [Layer(d, size, wide, number == last) for number, d in enumerate(gwn.DILATIONS)]
        )
        self.head = nn.Sequential(
            nn.ReLU(), nn.Linear(size.skip, size.end), nn.ReLU(), nn.Linear(size.end, ahead)
        )

    def forward(
        self, x: NodeSeries, m: Knowledge, roads: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        x, total = (
            self.start(F.pad(x, (0, 0, max(gwn.RECEPTIVE_FIELD - x.shape[2], 0), 0)), m),
            0.0,
        )
        for layer in self.layers:
            x, heard = layer(x, m, roads)
            total = total + heard
        return self.head(total)


@singledispatch
def generated(size: object, inputs: int, ahead: int, lags: int, wide: int) -> nn.Module:
    """The base network of a size; TypeError for an unknown one."""
    raise TypeError(f"{type(size).__name__}: no generated network has this size")


@generated.register
def _(size: stgcn.STGCNSize, *shape: int) -> nn.Module:
    return MetaSTGCN(*shape[:3], size.want_a("Meta-STGCN"), shape[3])


@generated.register
def _(size: gwn.GWNSize, *shape: int) -> nn.Module:
    return MetaWaveNet(*shape[:3], size, shape[3])
