"""TSJT's network learning in other ways: from the target alone, plainly joint, by Reptile."""

from dataclasses import dataclass, field
from functools import partial

from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.networks.city_norm import separate_statistics
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.finetune import supports_by_city
from stflow_lib.speedgraph.training.reptile import ReptileSettings, reptile
from stflow_lib.speedgraph.tsjt.joint import joint_method
from stflow_lib.speedgraph.tsjt.method import TSJT, BackboneSize, TSJTSettings
from stflow_lib.speedgraph.tsjt.npm import NPMSettings
from stflow_lib.speedgraph.tsjt.tsb import POOLED, GradientRule


@dataclass(frozen=True)
class PooledSettings(TSJTSettings):
    """The backbone alone, every window of a batch of the same weight: `training.batch` of the
    target and `sources` of its sources, 4 and 124 unless a profile says otherwise."""

    use_prompts: bool = False
    step: GradientRule = field(default_factory=partial(GradientRule, POOLED))


@dataclass(frozen=True)
class PooledGWNSettings(PooledSettings):
    """The same with Graph WaveNet."""

    backbone: BackboneSize = field(default_factory=gwn.GWNSize)


@dataclass(frozen=True)
class TargetOnlySettings(TSJTSettings):
    """The backbone alone on the target's days."""

    use_prompts: bool = False
    sources: int = 0


@dataclass(frozen=True)
class TargetOnlyGWNSettings(TargetOnlySettings):
    """The same with Graph WaveNet."""

    backbone: BackboneSize = field(default_factory=gwn.GWNSize)


@dataclass(frozen=True)
class ReptileTSJTSettings(ReptileSettings):
    """The whole network without TSB: meta-learned, then fine-tuned (Figure 3)."""

    backbone: BackboneSize = field(default_factory=stgcn.STGCNSize)
    prompting: NPMSettings = field(default_factory=NPMSettings)
    use_prompts: bool = True
    use_knowledge: bool = True


@dataclass(frozen=True)
class ReptileTSJTGWNSettings(ReptileTSJTSettings):
    """The same with Graph WaveNet."""

    backbone: BackboneSize = field(default_factory=gwn.GWNSize)


def build_tsjt(task: Task, settings: ReptileTSJTSettings) -> tuple[TSJT, dict]:
    """The network of TSJT and what it is told of every city."""
    network = separate_statistics(TSJT(task, settings), task.cities).to(task.device)
    return network, supports_by_city(network, task)


JOINT = joint_method("Joint", PooledSettings, TSJT)
JOINT_GWN = joint_method("Joint(GWN)", PooledGWNSettings, TSJT)
TARGET_ONLY = joint_method("Target only", TargetOnlySettings, TSJT)
TARGET_ONLY_GWN = joint_method("Target only(GWN)", TargetOnlyGWNSettings, TSJT)
IN_REPTILE = reptile("TSJT in Reptile", ReptileTSJTSettings, build_tsjt)
IN_REPTILE_GWN = reptile("TSJT(GWN) in Reptile", ReptileTSJTGWNSettings, build_tsjt)
