"""TSJT: prompts of nodes before a common backbone, and a target-skewed step behind it."""

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.speedgraph.city import FEATURES
from stflow_lib.speedgraph.directions import Step
from stflow_lib.speedgraph.joint import JointSettings, joint_method
from stflow_lib.speedgraph.prompting import NodePrompting, Prompting
from stflow_lib.speedgraph.stgcn import STGCN, Maps, Size
from stflow_lib.speedgraph.task import Task


@dataclass(frozen=True)
class TSJTSettings(JointSettings):
    """The whole method; its ablations are settings (Figure 3)."""

    backbone: Size = field(default_factory=Size)
    prompting: Prompting = field(default_factory=Prompting)
    use_prompts: bool = True  # False: w/o NPM, the backbone alone
    use_knowledge: bool = True  # False: w/o A_K, roads are the only graph


class Prompted(nn.Module):
    """x [B, N, T, D], road operator [N, N] -> scaled speeds [B, N, Q]."""

    def __init__(self, task: Task, settings: TSJTSettings):
        super().__init__()
        lags, ahead = task.protocol.lags, task.protocol.ahead
        self.knows = settings.use_prompts and settings.use_knowledge
        self.prompting, inputs = None, FEATURES
        if settings.use_prompts:
            self.prompting = NodePrompting(FEATURES, lags, settings.prompting)
            inputs += settings.prompting.width
        self.backbone = STGCN(inputs, ahead, lags, 1 + self.knows, settings.backbone)

    def forward(self, x: Maps, road: Float[Tensor, "node node"]) -> Float[Tensor, "b node q"]:
        if self.prompting is None:
            return self.backbone(x, [road])
        wide, alike = self.prompting(x, road)
        return self.backbone(wide, [road, alike] if self.knows else [road])


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


METHOD = joint_method("TSJT", TSJTSettings, Prompted)
POOLED = joint_method("Joint", PlainSettings, Prompted)
TARGET_ONLY = joint_method("Target only", AloneSettings, Prompted)
