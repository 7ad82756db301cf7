"""TSJT: prompts of nodes before a common backbone, and a target-skewed step behind it."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.networks import dcrnn, stgcn
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.backbones import backbone, backbone_supports
from stflow_lib.speedgraph.networks.graph_operators import (
    NodeSeries,
    Square,
    Support,
    symmetric,
)
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.tsjt.joint import JointSettings, joint_method
from stflow_lib.speedgraph.tsjt.npm import NPM, NPMSettings

BackboneSize = stgcn.STGCNSize | gwn.GWNSize | dcrnn.DCRNNSize


@dataclass(frozen=True)
class TSJTSettings(JointSettings):
    """The whole method; its ablations are settings (Figure 3)."""

    backbone: BackboneSize = field(default_factory=stgcn.STGCNSize)
    prompting: NPMSettings = field(default_factory=NPMSettings)
    use_prompts: bool = True  # False: w/o NPM, the backbone alone
    use_knowledge: bool = True  # False: w/o A_K, roads are the only graph


@runtime_checkable
class NetworkSettings(Protocol):
    """What the network is made of, whatever trains it."""

    backbone: BackboneSize
    prompting: NPMSettings
    use_prompts: bool
    use_knowledge: bool


class TSJT(nn.Module):
    """x [B, N, T, D], operators of the road graph -> scaled speeds [B, N, Q].

    The first operator is the one that prompts are made with, the others are the backbone's.
    """

    def __init__(self, task: Task, settings: NetworkSettings):
        super().__init__()
        lags, ahead = task.protocol.lags, task.protocol.ahead
        self.size = settings.backbone
        self.knows = settings.use_prompts and settings.use_knowledge
        self.prompting, inputs = None, task.target.features
        if settings.use_prompts:
            self.prompting = NPM(inputs, lags, settings.prompting)
            inputs += settings.prompting.width
        self.backbone = backbone(settings.backbone, inputs, ahead, lags, int(self.knows))

    def operators(self, weights: Square) -> tuple[Square, ...]:
        """What `forward` wants to know of a city's graph."""
        return symmetric(weights), *backbone_supports(self.size, weights)

    def forward(
        self, x: NodeSeries, graph: tuple[Support, ...]
    ) -> Float[Tensor, "b node ahead"]:
        """Scaled speeds."""
        road, *supports = graph
        if self.prompting is None:
            return self.backbone(x, supports)
        wide, alike = self.prompting(x, road)
        return self.backbone(wide, [*supports, alike] if self.knows else supports)


@dataclass(frozen=True)
class TSJTGWNSettings(TSJTSettings):
    """TSJT(GWN)."""

    backbone: BackboneSize = field(default_factory=gwn.GWNSize)


METHOD = joint_method("TSJT(STGCN)", TSJTSettings, TSJT)
TSJT_GWN = joint_method("TSJT(GWN)", TSJTGWNSettings, TSJT)
