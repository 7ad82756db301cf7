"""Which network a size stands for, and which operators of the road graph it walks on."""

from functools import singledispatch

from torch import nn

from stflow_lib.speedgraph.networks import dcrnn, stgcn
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.graph_operators import (
    Square,
    scaled_laplacian,
    symmetric,
    transitions,
)


@singledispatch
def backbone(size, inputs: int, ahead: int, lags: int, more: int = 0) -> nn.Module:
    """The network of a size: (x [B, N, L, C], supports) -> scaled speeds [B, N, Q].

    Its supports are those of `backbone_supports` and `more` others. TypeError for an unknown size.
    """
    raise TypeError(f"{type(size).__name__}: no backbone has this size")


@backbone.register
def _(size: stgcn.STGCNSize, inputs: int, ahead: int, lags: int, more: int = 0) -> nn.Module:
    network = stgcn.STGCN if size.variant == "A" else stgcn.STGCNB
    return network(inputs, ahead, lags, 1 + more, size)


@backbone.register
def _(size: gwn.GWNSize, inputs: int, ahead: int, lags: int, more: int = 0) -> nn.Module:
    return gwn.GraphWaveNet(inputs, ahead, 2 + more, size)


@backbone.register
def _(size: dcrnn.DCRNNSize, inputs: int, ahead: int, lags: int, more: int = 0) -> nn.Module:
    return dcrnn.DCRNN(inputs, ahead, 2 + more, size)


def backbone_supports(size, weights: Square) -> tuple[Square, ...]:
    """Operators of the road graph that a backbone of this size takes."""
    if not isinstance(size, stgcn.STGCNSize):
        return transitions(weights)
    own = symmetric if size.variant == "A" else scaled_laplacian
    return (own(weights),)
