"""Which runs make up which table and figure of STBaT's paper, and what goes beyond it."""

from stflow_lib.gridflow.plan import PROTOCOL_OF, Plan
from stflow_lib.gridflow.problem.protocol import protocol_of
from stflow_lib.runs import Rows, RowTable
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.patience import patience_rows

ABLATIONS = {  # Figure 3: what is left out, as settings
    "STBaT": {},
    "w/o POI": {"patterns": {"use_poi": False}},
    "w/o FDP": {"patterns": {"use_distribution": False}},
    "w/o SimDCL": {"balance": {"use_contrast": False}},
    "w/o WLoss": {"balance": {"use_weights": False}},
}
SWEEPS = {  # Figure 4, one at a time around 32, 0.01, 0.85, 1: setting, symbol, values
    ("patterns", "width"): ("D", (8, 16, 32, 64, 128)),
    ("patterns", "beta"): ("beta", (1e-4, 1e-3, 1e-2, 1e-1, 1.0)),
    ("patterns", "bandwidth"): ("h", (0.25, 0.5, 0.85, 1.5, 2.5)),
    ("balance", "temperature"): ("tau", (0.1, 0.5, 1.0, 2.0, 5.0)),
}
STRENGTHS = (0.0, 0.01, 0.1, 1.0)  # lambda, which the paper does not print
DAYS = (0, 1, 3, 7, 14, 30)  # Figure 5
FURTHER = (  # real POI, and a third taxi city
    "bikes-chicago-2021>bikes-dc-2021",
    "bikes-dc-2021>bikes-chicago-2021",
    "jonas-nyc-taxi+jonas-dc-taxi>taxi-sf-trips",
)
PLAIN = (
    "Previous hour", "Last week", "Few-shot mean", "Hour-of-week mean", "Linear", "ST-net",
    "Finetuned", "RegionTrans", "STBaT", "MLP", "Trees", "Trees(pooled)",
    "Boosted line", "Ensemble",
)  # fmt: skip
KNOWN_KINDS = "sim-grid-a>sim-grid-c"  # what is rare in the source is common in the target
MEASURED = ("Finetuned", "MetaST", "CrossTReS", "STBaT")  # Table 3: memory and time


def table2(profile: str) -> Rows:
    """Every method on every pair, few-shot and zero-shot."""
    plan = Plan.of(profile)
    return {m: plan.runs([m], plan.cities, plan.fractions) for m in plan.methods}


def table3(profile: str) -> Rows:
    """The methods whose memory and time the paper measures, on the first pair."""
    plan = Plan.of(profile)
    return {m: plan.runs([m], plan.cities[:1], plan.few) for m in MEASURED if m in plan.methods}


def figure3(profile: str) -> Rows:
    """STBaT without one of its parts each, and Finetuned, which has none."""
    rows = _varied(profile, ABLATIONS)
    plan = Plan.of(profile)
    return rows | {"Finetuned": plan.runs(["Finetuned"], plan.cities[:1], plan.few)}


def figure4(profile: str) -> Rows:
    """One of four settings at a time, one seed."""
    variants = {
        f"{symbol} = {value:g}": {part: {name: value}}
        for (part, name), (symbol, values) in SWEEPS.items()
        for value in values
    }
    return _varied(profile, variants, slice(1))


def strength(profile: str) -> Rows:
    """How much the contrast weighs against the prediction loss."""
    return _varied(
        profile, {f"lambda = {s:g}": {"balance": {"strength": s}} for s in STRENGTHS}
    )


def figure5(profile: str) -> Rows:
    """Days of target data, on every pair."""
    plan = Plan.of(profile)
    return {
        m: [run for city in plan.cities for run in plan.runs([m], [city], days_of(city))]
        for m in ("Finetuned", "STBaT")
    }


def days_of(pair: str) -> list[int]:
    """Those of DAYS that the target's history has."""
    kind = target_of(pair).partition("-")[0]
    history = protocol_of(PROTOCOL_OF[kind]).valid // 24
    return [days for days in DAYS if days <= history]


def poi(profile: str) -> Rows:
    """The stand-in for POI, and a random one that says nothing."""
    plan = Plan.of(profile)
    pairs = [city for city in plan.cities if city.startswith("jonas")]
    names = {"profile": "", "random": "-dirichlet"}
    return {n: plan.runs(["STBaT"], pairs, plan.few, switch=s) for n, s in names.items()}


def further(profile: str) -> Rows:
    """Cities that the paper's stand-ins lack: POI of their own, or another continent's."""
    plan = Plan.of(profile)
    return {m: plan.runs([m], further_pairs(plan), plan.fractions) for m in PLAIN}


def further_pairs(plan: Plan) -> list[str]:
    """The pairs of a profile that are neither JONAS nor simulated; FURTHER where it has none."""
    known = ("jonas", "sim")
    return [c for c in plan.cities if not target_of(c).startswith(known)] or [*FURTHER]


def kinds(profile: str) -> Rows:
    """A simulated pair whose kinds of regions are known."""
    plan = Plan.of(profile)
    parts = {name: ABLATIONS[name] for name in ("STBaT", "w/o SimDCL", "w/o WLoss")}
    return {
        label: plan.runs(
            [label if label in plan.methods else "STBaT"], [KNOWN_KINDS], plan.fractions,
            changes=changes,
        )
        for label, changes in ({"Linear": {}, "Finetuned": {}} | parts).items()
    }  # fmt: skip


def clock(profile: str) -> Rows:
    """The hour of the day, told and not told."""
    plan, cases = Plan.of(profile), {}
    for method in ("Finetuned", "STBaT"):
        cases |= {method: (method, {}), f"{method}, told the hour": (method, {"clock": True})}
    cases |= {"Linear": ("Linear", {}), "Linear, all hours": ("Linear", {"by_hour": False})}
    return {
        label: plan.runs([method], plan.cities, plan.fractions, changes=changes)
        for label, (method, changes) in cases.items()
    }


def budget(profile: str) -> Rows:
    """Four times the epochs on the source, for both sides of the comparison."""
    plan, rows = Plan.of(profile), {}
    for method in ("Finetuned", "STBaT"):
        longer = {"source": _longer(plan, method)}
        for label, changes in {method: {}, f"{method}, four times": longer}.items():
            rows[label] = plan.runs([method], plan.cities[:1], plan.few, changes=changes)
    return rows


def _longer(plan: Plan, method: str) -> dict:
    """The schedule on the source stretched by four: epochs and halvings of the rate."""
    source = plan.settings(method).source
    return {name: 4 * getattr(source, name) for name in ("epochs", "halve_every")}


def patience(profile: str) -> Rows:
    """Trained with twice the patience: three methods on the first pair."""
    plan = Plan.of(profile)
    methods = ("ST-net", "Finetuned", "MLP")
    return patience_rows(plan, methods, plan.cities[:1], plan.few, plan.seeds)


def _varied(profile: str, variants: dict[str, dict], seeds: slice = slice(None)) -> Rows:
    """STBaT with changed settings on the first pair, few-shot."""
    plan = Plan.of(profile)
    return {
        label: plan.runs(
            ["STBaT"], plan.cities[:1], plan.few, plan.seeds[seeds], changes=changes
        )
        for label, changes in variants.items()
    }


TABLES = {
    "table2": RowTable(table2),
    "table3": RowTable(table3),
    "figure3": RowTable(figure3),
    "figure4": RowTable(figure4),
    "figure5": RowTable(figure5),
    "strength": RowTable(strength),
    "poi": RowTable(poi),
    "further": RowTable(further),
    "kinds": RowTable(kinds),
    "clock": RowTable(clock),
    "budget": RowTable(budget),
    "patience": RowTable(patience),
}
