"""What a profile runs in this wing."""

from dataclasses import dataclass, field

from stflow_lib.data.catalog import index
from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.protocol import PROTOCOLS
from stflow_lib.runs.plan import TransferPlan

PROTOCOL_OF = {  # first word of the target's name: how its months are cut
    "jonas": "P90", "bikes": "P59", "didi": "P60", "taxi": "P24", "sim": "P60",
    "crosstres": "paper",
}  # fmt: skip
RULES = ("Previous hour", "Yesterday", "Last week", "Few-shot mean", "Hour-of-week mean")
TARGET_ONLY = (*RULES, "ARIMA", "ST-net", "PDFormer", "Trees")
FEW_SHOT_ONLY = (*TARGET_ONLY, "ST-DAAN", "CrossTReS")  # no entry in zero-shot, as in the paper
WITHOUT_DAYS = {"RegionTrans": "Finetuned"}  # there is nothing to match with
DETERMINISTIC = (*RULES, "ARIMA", "Linear", "Trees", "Trees(pooled)", "Boosted line")


@dataclass(frozen=True)
class Plan(TransferPlan):
    """``tables.gridflow`` of profiles.yaml."""

    WING = "gridflow"
    TARGET_ONLY, FEW_SHOT_ONLY, DETERMINISTIC = TARGET_ONLY, FEW_SHOT_ONLY, DETERMINISTIC

    fractions: list[int]  # whole days of target data, 0: zero-shot; first the few-shot setting
    switches: dict[str, str] = field(
        default_factory=dict
    )  # as PROTOCOL_OF, see `problem.from_run`

    def protocol(self, target: str) -> str:
        """How a target's months are cut and scaled; DataError where it is too short."""
        if index.is_own(target):
            return own_protocol(target)
        kind = target.partition("-")[0]
        return PROTOCOL_OF[kind] + self.switches.get(kind, "")

    def trained(self, method: str, fraction: int | float) -> str:
        """What is another method without a day of the target has that one's runs."""
        return method if fraction else WITHOUT_DAYS.get(method, method)


def own_protocol(city: str) -> str:
    """The longest protocol that a registered city, or that of a file, has the steps for.

    Of those in which cities of other zones may be sources. DataError where there is none.
    """
    steps = index.load(city).sizes["time"]
    local = sorted((p for p in PROTOCOLS.values() if p.local_clocks), key=lambda p: p.steps)
    fitting = [protocol.name for protocol in local if protocol.steps <= steps]
    if not fitting:
        raise DataError(f"{city}: {steps} steps, protocol {local[0].name} needs "
                        f"{local[0].steps}; `forecast` and `backtest` take any number")  # fmt: skip
    return fitting[-1]
