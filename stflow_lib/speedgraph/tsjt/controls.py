"""What TSJT is compared with on its own network: the target alone, plain joint training, Reptile."""

from dataclasses import dataclass, field

from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.finetune import graphs_of
from stflow_lib.speedgraph.training.reptile import ReptileSettings, reptile
from stflow_lib.speedgraph.tsjt.joint import joint_method
from stflow_lib.speedgraph.tsjt.method import Prompted, Size, TSJTSettings, WaveNetSettings
from stflow_lib.speedgraph.tsjt.npm import Prompting
from stflow_lib.speedgraph.tsjt.tsb import Step


@dataclass(frozen=True)
class Settings(WaveNetSettings):
    """The same network without prompts, the same schedule without sources."""

    use_prompts: bool = False
    sources: int = 0


METHOD = joint_method("Target only(GWN)", Settings, Prompted)


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


POOLED = joint_method("Joint", PlainSettings, Prompted)
TARGET_ONLY = joint_method("Target only", AloneSettings, Prompted)
WALKED = reptile("TSJT in Reptile", WalkedSettings, prompted)
