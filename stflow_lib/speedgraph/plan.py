"""What a profile runs in this wing."""

from dataclasses import dataclass, field

from stflow_lib.data.catalog import index
from stflow_lib.runs.plan import TransferPlan
from stflow_lib.speedgraph.problem.protocol import FEW_DAYS

RULES = ("Last value", "HA", "Time-of-day mean")
TARGET_ONLY = (
    *RULES, "Ridge", "Graph ridge", "ARIMA", "Trees", "Target only", "Target only(GWN)",
)  # fmt: skip
FEW_SHOT_ONLY = (
    *TARGET_ONLY, "DSTAGNN", "FOGS", "DASTNet", "TransGTR", "GPD",
    "TSJT(STGCN)", "TSJT(GWN)", "Joint", "Joint(GWN)", "Trees(told)",
)  # fmt: skip
DETERMINISTIC = (
    *RULES, "Ridge", "Graph ridge", "ARIMA", "Trees", "Trees(pooled)", "Trees(told)",
    "Boosted line",
)  # fmt: skip


@dataclass(frozen=True)
class Plan(TransferPlan):
    """``tables.speedgraph`` of profiles.yaml."""

    WING = "speedgraph"
    TARGET_ONLY, FEW_SHOT_ONLY, DETERMINISTIC = TARGET_ONLY, FEW_SHOT_ONLY, DETERMINISTIC
    MOST = FEW_DAYS

    fractions: list[float | int]  # days of target data, 0.25: six hours
    switches: dict[str, str] = field(default_factory=dict)  # by target, see `problem.from_run`

    def protocol(self, target: str) -> str:
        """A grid of ten minutes, in which the printed words agree."""
        if index.is_own(target) and not _fits(index.load(target).attrs["step_minutes"]):
            return "native"
        return "P10" + self.switches.get(target, "")


def _fits(step: int) -> bool:
    """Whether steps of so many minutes can be brought to ten."""
    return 10 % step == 0 or step % 10 == 0
