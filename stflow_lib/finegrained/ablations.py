"""What the paper changes one at a time, as rows of runs: Tables 7 to 9, Figures 6 to 8, ours."""

from functools import partial

from stflow_lib.finegrained.plan import SMALL, Plan
from stflow_lib.finegrained.urbanstc.method import KERNEL_SIZES
from stflow_lib.runs import Rows

# The reference, then ours.
BEYOND = ("UrbanSTC", "UrbanSTC+log", "UrbanSTC+DM", "ShareNet", "MultinomialNet", "Trees")

FRACTIONS = (20, 40, 60, 80, 100)  # of Figure 6
FULL, CONTROL = "reg+inf+tcs", "random encoders"
SUBSETS = ("reg", "inf", "tcs", "reg+inf", "reg+tcs", "inf+tcs", FULL)  # of Table 7
WEIGHTS = (0.1, 0.01)  # of the pretext losses in Table 8, beside the 1 of its own row
FACTORS = ("UrbanFM", "UrbanPy", "FODE", "UrbanSTC")  # of Table 9, with +E and without
THRESHOLDS = {4: (2.5e-4, 2e-4, 1.5e-4, 1e-4, 0.5e-4), 2: (7e-5, 6e-5, 5e-5, 4e-5, 3e-5)}
WIDTHS = {  # times the profile's
    "smoke": (0.5, 1), "lab": (0.5, 1, 2), "bench": (0.5, 1), "paper": (0.25, 0.5, 1),
}  # fmt: skip
CONSTRAINED = ("SRCNN", "ESPCN", "VDSR", "SRResNet", "UrbanFM", "UrbanSTC")
BUDGET_METHODS = ("UrbanFM", "UrbanSTC", "ShareNet")  # whose budgets are compared
LENGTHS = (1, 4)  # times the profile's epochs
LIKELIHOOD = "MultinomialNet"
PARTS = {  # of it, each a setting that zero turns off
    "noise on counts": "noise",
    "dropout": "dropout",
    "average of weights": "average",
    "squared error": "squared",
}
FIVE_SEEDS = range(5)  # of what is compared with UrbanSTC beyond the paper
SMOKE = {  # a few rows show that a page runs
    "subsets": ("reg", "reg+inf+tcs"),
    "weights": (),
    "factors": ("UrbanFM", "UrbanSTC"),
    "thresholds": 2,
    "constrained": ("SRCNN", "UrbanFM"),
}

VARIANTS = {  # what differs from the profile's UrbanSTC, as settings
    "as in the tables": {},
    "random encoders": {"pretrain": False},
    "paper's text": {
        "single_step": True,
        "freeze_epochs": 0,
        "regional": {"criterion": "flow", "loss": "ratio"},
        "temporal": {"normalise": False},
    },
    "hard triplets": {"temporal": {"sampling": "hard"}},
    "with calendar": {"external": True},
    "relu as printed": {"activation": "relu", "safe": False},
    "relu, safe": {"activation": "relu", "safe": True},
    "softplus": {"activation": "softplus"},
}


def variant_runs(profile: str) -> Rows:
    """Variant -> run of UrbanSTC on the first M = 4 city, least data, first seed."""
    plan = Plan.of(profile)
    return {
        name: plan.runs(
            ["UrbanSTC"], plan.first(4), plan.fractions[:1], plan.seeds[:1], changes
        )
        for name, changes in VARIANTS.items()
    }  # fmt: skip


def table7(profile: str) -> Rows:
    """Which pretexts help: all data, all seeds, no external factors; then `pretexts`.

    "random encoders" is the control that the paper lacks; it and the full model have the least
    data as well.
    """
    plan = Plan.of(profile)
    small = pretexts(profile)
    rows = {}
    for label, changes in _encoders(plan).items():
        amounts = _ends(plan) if label in (FULL, CONTROL) else plan.all_data
        found = plan.runs(["UrbanSTC"], plan.ablation_cities(4), amounts, changes=changes)
        rows[label] = found + small[label]
    return rows


def pretexts(profile: str) -> Rows:
    """Do pretexts pay: every row of Table 7 on the small cities, least and all data."""
    plan = Plan.of(profile)
    cities = [city for city in plan.cities if city in SMALL]
    return {
        label: plan.runs(["UrbanSTC"], cities, _ends(plan), changes=changes)
        for label, changes in _encoders(plan).items()
    }


def _encoders(plan: Plan) -> dict[str, dict]:
    """Row of Table 7 -> what differs from the profile's UrbanSTC."""
    labels = SMOKE["subsets"] if plan.smoke else SUBSETS
    kept = {
        label: {"encoders": [name for name in KERNEL_SIZES if name in label.split("+")]}
        for label in labels
    }
    return kept | {CONTROL: {"pretrain": False}}


def _ends(plan: Plan) -> list[int | float]:
    """The least of the fractions and all data; at smoke size the latter."""
    return plan.all_data if plan.smoke else [*plan.fractions[:1], *plan.all_data]


def table8(profile: str) -> Rows:
    """Pre-training and fine-tuning against all losses at once: every city, all data, all seeds.

    As in the paper, cities refined by 4 with external factors and bicycles without. Other
    weights of the pretext losses, which the paper does not print: M = 4, the first seed.
    """
    plan = Plan.of(profile)
    taxis, bikes = plan.ablation_cities(4), plan.ablation_cities(2)

    joint = partial(plan.runs, ["end-to-end"], fractions=plan.all_data)
    two_stage = plan.runs(["UrbanSTC+E"], taxis, plan.all_data)
    rows = {
        "end_to_end": joint(taxis, changes={"external": True}) + joint(bikes),
        "two_stage": two_stage + plan.runs(["UrbanSTC"], bikes, plan.all_data),
    }
    sweep = SMOKE["weights"] if plan.smoke else WEIGHTS
    return rows | {
        f"end_to_end, weights {weight:g}": joint(
            taxis, seeds=plan.seeds[:1], changes={"external": True, "balance": [weight] * 3}
        )
        for weight in sweep
    }


def table9(profile: str) -> Rows:
    """With external factors (+E) and without: the M = 4 city, all data, all seeds."""
    plan = Plan.of(profile)
    names = SMOKE["factors"] if plan.smoke else FACTORS
    methods = [name + extra for extra in ("", "+E") for name in names if plan.has(name + extra)]
    return {name: plan.runs([name], plan.ablation_cities(4), plan.all_data) for name in methods}


def figure6(profile: str) -> Rows:
    """Weight against hard triplets over the amount of data: the M = 4 city, all seeds."""
    plan = Plan.of(profile)
    fractions = plan.fractions[:1] if plan.smoke else FRACTIONS
    return {
        sampling: plan.runs(
            ["UrbanSTC"], plan.first(4), fractions,
            changes={"temporal": {"sampling": sampling}},
        )
        for sampling in ("weight", "hard")
    }  # fmt: skip


def figure7(factor: int, profile: str) -> Rows:
    """The threshold lambda of regional contrast: the first city of M, all data, first seed.

    The tables keep the paper's 1e-4 for taxis on every city.
    """
    plan = Plan.of(profile)
    values = THRESHOLDS[factor][-SMOKE["thresholds"] :] if plan.smoke else THRESHOLDS[factor]
    return {
        f"{value:.1e}": plan.runs(
            ["UrbanSTC"], plan.first(factor), plan.all_data, plan.seeds[:1],
            {"regional": {"threshold": value}},
        )
        for value in values
    }  # fmt: skip


def figure8(profile: str) -> Rows:
    """The width C of encoders and decoder: the M = 4 city, all data, first seed."""
    plan = Plan.of(profile)
    own = plan.settings("UrbanSTC").channels
    widths = [int(own * share) for share in WIDTHS[profile]]
    return {
        str(width): plan.runs(
            ["UrbanSTC"], plan.first(4), plan.all_data, plan.seeds[:1], {"channels": width}
        )
        for width in widths
    }


def beyond(profile: str) -> Rows:
    """What the paper does not have, against UrbanSTC: every city and amount of data.

    Our own network and UrbanSTC with five seeds, UrbanSTC's other losses with the profile's.
    """
    plan = Plan.of(profile)
    five = () if plan.smoke else ("UrbanSTC", "ShareNet")
    return {
        name: plan.runs([name], plan.cities, plan.fractions, FIVE_SEEDS if name in five else ())
        for name in BEYOND
        if plan.has(name)
    }


def parts(profile: str) -> Rows:
    """MultinomialNet without one of its parts each: the M = 4 city, least data, first seed."""
    plan = Plan.of(profile)
    changed = {LIKELIHOOD: {}} | {f"without {name}": {key: 0.0} for name, key in PARTS.items()}
    return {
        label: plan.runs(
            [LIKELIHOOD], plan.first(4), plan.fractions[:1], plan.seeds[:1], changes
        )
        for label, changes in changed.items()
    }


def constraint(profile: str) -> Rows:
    """Three forms of the last layer: the M = 4 city, all data, first seed."""
    plan = Plan.of(profile)
    methods = SMOKE["constrained"] if plan.smoke else CONSTRAINED
    return {
        f"{name}, {form}": plan.runs(
            [name], plan.first(4), plan.all_data, plan.seeds[:1], {"constraint": form}
        )
        for name in methods
        if plan.has(name)
        for form in ("m2", "m2_signed", "none")
    }


def budget(profile: str) -> Rows:
    """Longer schedules of everything, pretexts included: the M = 4 city, least data, all seeds."""
    plan = Plan.of(profile)
    runs = partial(plan.runs, cities=plan.first(4), fractions=plan.fractions[:1])
    rows = {
        f"{name}, {times} x": runs([name], changes=_longer(plan.overrides(name), times))
        for name in BUDGET_METHODS
        if plan.has(name)
        for times in LENGTHS
    }
    own = plan.overrides("UrbanSTC")
    return rows | {
        f"random encoders, {times} x": runs(
            ["UrbanSTC"], changes={"pretrain": False, **_longer(own, times)}
        )
        for times in LENGTHS
    }


def _longer(settings: dict, times: int) -> dict:
    """The settings' schedules with every number of epochs multiplied."""
    changed = {k: _longer(v, times) for k, v in settings.items() if isinstance(v, dict)}
    epochs = {k: times * settings[k] for k in ("epochs", "halve_every") if k in settings}
    return {k: v for k, v in changed.items() if v} | epochs
