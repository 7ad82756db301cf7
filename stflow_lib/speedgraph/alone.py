"""Graph WaveNet on the target's days alone: what TSJT(GWN) owes to its backbone."""

from dataclasses import dataclass

from stflow_lib.speedgraph.joint import joint_method
from stflow_lib.speedgraph.tsjt import Prompted, WaveNetSettings


@dataclass(frozen=True)
class Settings(WaveNetSettings):
    """The same network without prompts, the same schedule without sources."""

    use_prompts: bool = False
    sources: int = 0


METHOD = joint_method("Target only(GWN)", Settings, Prompted)
