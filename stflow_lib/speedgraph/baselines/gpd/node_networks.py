"""A small network for each sensor, on its neighbours only; all of them run and learn at once.

Yuan et al., "Spatio-Temporal Few-Shot Learning via Diffusive Neural Network Generation" (GPD,
ICLR 2024): a sensor's network is a vector of parameters, which can be generated.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, vmap

from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.backbones import backbone, backbone_supports
from stflow_lib.speedgraph.networks.graph_operators import (
    NodeSeries,
    Square,
    Support,
    without_loops,
)
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.losses import penalty

Vectors = Float[Tensor, "model parameter"]


class ShortSTGCN(nn.Module):
    """STGCN with one block; 16,960 parameters without biases, for `STGCNSize(32, 8, 4)`."""

    def __init__(self, ahead: int, lags: int, size: stgcn.STGCNSize, inputs: int):
        super().__init__()
        left = lags - 3 * (size.kernel - 1)
        if left < 1:
            raise ValueError(f"{lags} input steps: three temporal layers leave {left}")
        self.block = stgcn.STConvBlock(inputs, size, 1)
        self.last = stgcn.TimeBlock(size.channels, size.channels, size.kernel)
        self.head = nn.Linear(left * size.channels, ahead)

    def forward(
        self, x: NodeSeries, supports: Sequence[Support]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        return self.head(self.last(self.block(x, supports)).flatten(2))


def node_network(
    size: stgcn.STGCNSize | gwn.GWNSize, ahead: int, lags: int, inputs: int = 2
) -> nn.Module:
    """The network of one sensor, without biases: a short STGCN, or Graph WaveNet."""
    if isinstance(size, stgcn.STGCNSize):
        size = size.want_a("the network of one sensor")
        network = ShortSTGCN(ahead, lags, size, inputs)
    else:
        network = backbone(size, inputs, ahead, lags)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.bias = None
    return network


class Neighbours(NamedTuple):
    """The sensors of a city that have networks, each with those around it."""

    nodes: Int[Tensor, " model"]
    around: Int[Tensor, "model near"]  # itself first; absent ones are the city's count
    supports: tuple[Float[Tensor, "model near near"], ...]


def neighbours(
    weights: Square,
    nodes: Int[Tensor, " model"],
    near: int,
    size: stgcn.STGCNSize | gwn.GWNSize,
) -> Neighbours:
    """Each sensor and the `near` heaviest of those joined to it by a way in either direction."""
    plain = without_loops(weights)
    both = torch.maximum(plain, plain.T)[nodes]
    near = min(near, len(weights) - 1)
    weight, others = both.topk(near, 1)
    others = torch.where(weight > 0, others, len(weights))
    around = torch.cat([nodes[:, None], others], 1)
    padded = nn.functional.pad(plain, (0, 1, 0, 1))
    parts = [backbone_supports(size, padded[row][:, row]) for row in around]
    return Neighbours(nodes, around, tuple(torch.stack(s) for s in zip(*parts, strict=True)))


class NodeNetworks(nn.Module):
    """x [B, N, L, C], neighbours -> scaled speeds [B, M, Q]; row m of `vectors` is one network."""

    def __init__(self, network: nn.Module, vectors: Vectors):
        super().__init__()
        self.shapes = {n: p.shape for n, p in network.named_parameters()}
        self.frame = (network,)  # its own parameters are not used
        self.vectors = nn.Parameter(vectors)

    def forward(self, x: NodeSeries, near: Neighbours) -> Float[Tensor, "b model ahead"]:
        """Each network on its own sensor's neighbours."""
        padded = nn.functional.pad(x, (0, 0, 0, 0, 0, 1))
        own = padded[:, near.around].transpose(0, 1)  # [M, B, K, L, C]
        (network,) = self.frame
        network.train(self.training)

        def one(vector, windows, *supports):
            return functional_call(
                network, unflatten_parameters(vector, self.shapes), (windows, supports)
            )

        guess = vmap(one, randomness="different")(self.vectors, own, *near.supports)
        return guess[:, :, 0].transpose(0, 1)


def unflatten_parameters(
    vector: Float[Tensor, " parameter"], shapes: dict
) -> dict[str, Float[Tensor, "..."]]:
    """The tensors of one network out of its vector."""
    parts = vector.split([shape.numel() for shape in shapes.values()])
    return {n: p.view(s) for (n, s), p in zip(shapes.items(), parts, strict=True)}


def flatten_parameters(network: nn.Module) -> Float[Tensor, " parameter"]:
    """The vector of a network."""
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def node_error(
    models: NodeNetworks, city: CitySpeed, near: Neighbours, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """The masked `penalty` of the sensors that have networks, in scaled units."""
    truth, seen = (part[:, near.nodes] for part in city.scaled_labels(steps))
    off = torch.where(seen, models(city.windows(steps), near) - truth, 0.0)
    return penalty(models, city, off).sum() / seen.sum().clamp_min(1)


def initial_node_networks(
    task: Task, size: stgcn.STGCNSize | gwn.GWNSize, count: int
) -> NodeNetworks:
    """`count` networks with the same first weights, so that their units stay comparable."""
    ahead, lags = task.protocol.ahead, task.protocol.lags
    network = node_network(size, ahead, lags, task.target.features).to(task.device)
    return NodeNetworks(network, flatten_parameters(network).repeat(count, 1))
