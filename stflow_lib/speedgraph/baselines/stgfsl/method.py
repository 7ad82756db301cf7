"""ST-GFSL: what is known of a node's window makes the weights that forecast it.

Lu et al., "Spatio-temporal graph few-shot learning with cross-city knowledge transfer" (KDD
2022), with Meta-STGCN and Meta-GWN. The outer step of the released meta-training has no effect:
each episode goes on from the last task's adapted weights. Here episodes are Reptile's tasks.
"""

from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.baselines.stgfsl.generated_networks import Knowledge, generated
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.graph_operators import NodeSeries, Square, symmetric
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.finetune import FINETUNING, supports_by_city
from stflow_lib.speedgraph.training.reptile import META, ReptileSettings, reptile
from stflow_lib.training.loop import Training

EPISODES = partial(META, epochs=20, epoch_steps=20)  # two tasks in each of 200 episodes
TUNE_BASE = partial(FINETUNING, epochs=120, batch=5, learning_rate=1e-2)


@dataclass(frozen=True)
class Learner:
    """Size of the module that tells what is known of a node."""

    width: int = 16  # numbers that a node's window is summed up in
    heads: int = 3  # of the attention between neighbours
    dropout: float = 0.1  # of its weights


@dataclass(frozen=True)
class STGFSLSettings(ReptileSettings):
    """Meta-STGCN."""

    backbone: object = field(default_factory=partial(stgcn.STGCNSize, 20, 12))
    learner: Learner = field(default_factory=Learner)
    strength: float = 1.5  # of the graph's reconstruction
    decay: float = 1e-2  # of the weights, as Adam's L2 term
    inner: int = 5
    rate: float = 1e-2
    windows: int = 5
    meta: Training = field(default_factory=EPISODES)
    target: Training = field(default_factory=TUNE_BASE)


@dataclass(frozen=True)
class STGFSLGWNSettings(STGFSLSettings):
    """Meta-GWN."""

    backbone: object = field(default_factory=gwn.GWNSize)


class Neighbours(nn.Module):
    """Graph attention (Velickovic et al. 2018) on a node's window, heads averaged."""

    def __init__(self, inputs: int, outputs: int, size: Learner):
        super().__init__()
        self.shape = (size.heads, outputs)
        self.lift = nn.Linear(inputs, size.heads * outputs, bias=False)
        self.own, self.other = (nn.Parameter(torch.empty(self.shape)) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(outputs))
        for weight in (self.own, self.other):
            nn.init.xavier_uniform_(weight)
        self.drop = nn.Dropout(size.dropout)

    def forward(
        self, x: Float[Tensor, "b node input"], road: Square
    ) -> Float[Tensor, "b node output"]:
        """The mean of all heads over a node's neighbours."""
        lifted = self.lift(x).unflatten(2, self.shape).transpose(1, 2)
        own, other = ((lifted * w[:, None]).sum(3) for w in (self.own, self.other))
        score = F.leaky_relu(own[..., :, None] + other[..., None, :], 0.2)
        share = score.masked_fill(road == 0, -torch.inf).softmax(3)
        return (self.drop(share) @ lifted).mean(1) + self.bias


class KnowledgeLearner(nn.Module):
    """x [B, N, L, C], road operator [N, N] -> m [B, N, M]: time and neighbours, then a line."""

    def __init__(self, inputs: int, lags: int, size: Learner):
        super().__init__()
        self.time = nn.GRU(inputs, 1, batch_first=True)
        self.space = Neighbours(inputs * lags, lags, size)
        self.join = nn.Linear(2 * lags, size.width)

    def forward(self, x: NodeSeries, road: Square) -> Knowledge:
        """What is known of each node's window."""
        time = self.time(x.flatten(0, 1))[0][..., 0].unflatten(0, x.shape[:2])
        return self.join(torch.cat([time, self.space(x.flatten(2), road)], 2))


class STGFSL(nn.Module):
    """x [B, N, L, C], two road operators -> scaled speeds [B, N, Q]; nothing belongs to a node.

    59,605 parameters with STGCN; 878,009 with Graph WaveNet less those that never learn.
    """

    def __init__(self, task: Task, settings: STGFSLSettings):
        super().__init__()
        self.strength, self.decay = settings.strength, settings.decay
        lags, ahead, wide = task.protocol.lags, task.protocol.ahead, settings.learner.width
        inputs = task.target.features
        self.learner = KnowledgeLearner(inputs, lags, settings.learner)
        self.base = generated(settings.backbone, inputs, ahead, lags, wide)

    def operators(self, weights: Square) -> tuple[Square, Square]:
        """The normalised graph and its transpose."""
        road = symmetric(weights)
        return road, road.T.contiguous()

    def forward(
        self, x: NodeSeries, graph: tuple[Square, Square]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        return self.told(x, graph)[0]

    def told(
        self, x: NodeSeries, graph: tuple[Square, Square]
    ) -> tuple[Float[Tensor, "b node ahead"], Knowledge]:
        """The forecast, and the knowledge it was made with."""
        m = self.learner(x, graph[0])
        return self.base(x, m, graph), m


def error(
    network: STGFSL, city: CitySpeed, graphs: dict, steps: Int[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Squared error in the city's unit + strength * |ReLU(m m^T) - A|^2 + decay (its Eq. 8)."""
    graph, (truth, seen) = graphs[city.name], city.scaled_labels(steps)
    guess, m = network.told(city.windows(steps), graph)
    off = torch.where(seen, guess - truth, 0.0) * city.deviation
    shape = ((m @ m.mT).relu() - graph[0]).square().mean()
    weights = sum(p.square().sum() for p in network.parameters()) / 2
    squared = off.square().sum() / seen.sum().clamp_min(1)
    return squared + network.strength * shape + network.decay * weights


def build(task: Task, settings: STGFSLSettings) -> tuple[nn.Module, dict]:
    """The network, and every city's operators."""
    network = STGFSL(task, settings).to(task.device)
    return network, supports_by_city(network, task)


METHOD = reptile("ST-GFSL(STGCN)", STGFSLSettings, build, error)
STGFSL_GWN = reptile("ST-GFSL(GWN)", STGFSLGWNSettings, build, error)
