"""TSJT: prompts of nodes before a common backbone, and a target-skewed step behind it."""

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph import dcrnn, gwn, stgcn
from stflow_lib.speedgraph.backbones import backbone, roads
from stflow_lib.speedgraph.city import FEATURES
from stflow_lib.speedgraph.directions import Step
from stflow_lib.speedgraph.graph import symmetric
from stflow_lib.speedgraph.joint import JointSettings, joint_method
from stflow_lib.speedgraph.prompting import NodePrompting, Prompting
from stflow_lib.speedgraph.reptile import ReptileSettings, reptile
from stflow_lib.speedgraph.stgcn import Maps
from stflow_lib.speedgraph.task import Task
from stflow_lib.speedgraph.tuning import graphs_of

Size = stgcn.Size | gwn.Size | dcrnn.Size


@dataclass(frozen=True)
class TSJTSettings(JointSettings):
    """The whole method; its ablations are settings (Figure 3)."""

    backbone: Size = field(default_factory=stgcn.Size)
    prompting: Prompting = field(default_factory=Prompting)
    use_prompts: bool = True  # False: w/o NPM, the backbone alone
    use_knowledge: bool = True  # False: w/o A_K, roads are the only graph


class Prompted(nn.Module):
    """x [B, N, T, D], operators of the road graph -> scaled speeds [B, N, Q].

    The first operator is the one that prompts are made with, the others are the backbone's.
    """

    def __init__(self, task: Task, settings: TSJTSettings):
        super().__init__()
        lags, ahead = task.protocol.lags, task.protocol.ahead
        self.size = settings.backbone
        self.knows = settings.use_prompts and settings.use_knowledge
        self.prompting, inputs = None, FEATURES
        if settings.use_prompts:
            self.prompting = NodePrompting(FEATURES, lags, settings.prompting)
            inputs += settings.prompting.width
        self.backbone = backbone(settings.backbone, inputs, ahead, lags, int(self.knows))

    def operators(self, weights: Float[Tensor, "node node"]) -> tuple[Tensor, ...]:
        """What `forward` wants to know of a city's graph."""
        return symmetric(weights), *roads(self.size, weights)

    def forward(self, x: Maps, graph: tuple[Tensor, ...]) -> Float[Tensor, "b node q"]:
        road, *supports = graph
        if self.prompting is None:
            return self.backbone(x, supports)
        wide, alike = self.prompting(x, road)
        return self.backbone(wide, [*supports, alike] if self.knows else supports)


@dataclass(frozen=True)
class WaveNetSettings(TSJTSettings):
    """TSJT(GWN)."""

    backbone: Size = field(default_factory=gwn.Size)


@dataclass(frozen=True)
class PlainSettings(TSJTSettings):
    """The backbone alone, target and source windows weighted as they stand in a batch."""

    use_prompts: bool = False
    step: Step = field(default_factory=lambda: Step("sum", 4 / 128, 124 / 128))


@dataclass(frozen=True)
class AloneSettings(TSJTSettings):
    """The backbone alone on the target's days."""

    use_prompts: bool = False
    sources: int = 0


@dataclass(frozen=True)
class WalkedSettings(ReptileSettings):
    """The whole network without TSB: meta-learned, then fine-tuned (Figure 3)."""

    backbone: Size = field(default_factory=stgcn.Size)
    prompting: Prompting = field(default_factory=Prompting)
    use_prompts: bool = True
    use_knowledge: bool = True


def prompted(task: Task, settings: WalkedSettings) -> tuple[Prompted, dict]:
    """The network of TSJT and what it is told of every city."""
    network = Prompted(task, settings).to(task.device)
    return network, graphs_of(network, task)


METHOD = joint_method("TSJT(STGCN)", TSJTSettings, Prompted)
WAVENET = joint_method("TSJT(GWN)", WaveNetSettings, Prompted)
POOLED = joint_method("Joint", PlainSettings, Prompted)
TARGET_ONLY = joint_method("Target only", AloneSettings, Prompted)
WALKED = reptile("TSJT in Reptile", WalkedSettings, prompted)
