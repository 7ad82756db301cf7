"""Which runs make up which table and figure of STBaT's paper, and what goes beyond it."""

from stflow_lib.gridflow.plan import Plan
from stflow_lib.runs import Labelled, Rows

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
    """One of four settings at a time."""
    return _varied(profile, {
        f"{symbol} = {value:g}": {part: {name: value}}
        for (part, name), (symbol, values) in SWEEPS.items()
        for value in values
    })  # fmt: skip


def strength(profile: str) -> Rows:
    """How much the contrast weighs against the prediction loss."""
    return _varied(
        profile, {f"lambda = {s:g}": {"balance": {"strength": s}} for s in STRENGTHS}
    )


def figure5(profile: str) -> Rows:
    """Days of target data, on every pair."""
    plan = Plan.of(profile)
    return {m: plan.runs([m], plan.cities, DAYS) for m in ("Finetuned", "STBaT")}


def poi(profile: str) -> Rows:
    """The stand-in for POI, and a random one that says nothing."""
    plan = Plan.of(profile)
    pairs = [city for city in plan.cities if city.startswith("jonas")]
    names = {"profile": "", "random": "-dirichlet"}
    return {n: plan.runs(["STBaT"], pairs, plan.few, switch=s) for n, s in names.items()}


def _varied(profile: str, variants: dict[str, dict]) -> Rows:
    """STBaT with changed settings on the first pair, few-shot."""
    plan = Plan.of(profile)
    return {
        label: plan.runs(["STBaT"], plan.cities[:1], plan.few, changes=changes)
        for label, changes in variants.items()
    }


TABLES = {
    "table2": Labelled(table2),
    "table3": Labelled(table3),
    "figure3": Labelled(figure3),
    "figure4": Labelled(figure4),
    "figure5": Labelled(figure5),
    "strength": Labelled(strength),
    "poi": Labelled(poi),
}
