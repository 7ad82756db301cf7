"""What a profile runs in this wing."""

from dataclasses import dataclass, field

from stflow_lib.runs.plan import TransferPlan

RULES = ("Last value", "HA", "Time-of-day mean")
ALONE = (*RULES, "Ridge", "ARIMA", "Target only", "Target only(GWN)")
FEW_SHOT_ONLY = (
    *ALONE, "DSTAGNN", "FOGS", "DASTNet", "TransGTR", "GPD", "TSJT(STGCN)", "TSJT(GWN)", "Joint",
)  # fmt: skip
CERTAIN = (*RULES, "Ridge", "ARIMA")


@dataclass(frozen=True)
class Plan(TransferPlan):
    """``tables.speedgraph`` of profiles.yaml."""

    WING = "speedgraph"
    ALONE, FEW_SHOT_ONLY, CERTAIN = ALONE, FEW_SHOT_ONLY, CERTAIN

    switches: dict[str, str] = field(default_factory=dict)  # by target, see `opening`

    def protocol(self, target: str) -> str:
        """A grid of ten minutes, in which the printed words agree."""
        return "P10" + self.switches.get(target, "")
