"""Which runs make up which table and figure of UrbanSTC's paper, and what goes beyond it."""

from functools import partial

from stflow_lib.finegrained import ablations
from stflow_lib.finegrained.ablations import variant_runs
from stflow_lib.finegrained.plan import ORIGINALS, RULES, SMALL, Plan, factor_of
from stflow_lib.runs import Rows, RowTable, Run
from stflow_lib.runs.patience import patience_rows

BASELINES = (
    *RULES, "SRCNN", "ESPCN", "DeepSD", "VDSR", "SRResNet", "LapSRN", "IMDN", "SCN", "UrbanFM",
    "UrbanPy", "FODE",
)  # fmt: skip
PAPER = (*BASELINES, "UrbanSTC")  # the rows of Tables 3 to 6


def table_cities(name: str, profile: str) -> list[str]:
    """The original of a table, where it is here and the size is real, then its stand-ins.

    Tables 3 and 11 carry the profile's stand-ins at M = 4 and M = 2; Tables 4 to 6 have none.
    """
    plan, factor = Plan.of(profile), {"table3": 4, "table11": 2}.get(name)
    return plan.originals(name) + [c for c in plan.cities if factor_of(c) == factor]


def table_runs(name: str, profile: str) -> list[Run]:
    """All runs of Table 3, 4, 5, 6 or 11 at a profile.

    At M = 2 DeepSD is one SRCNN and, as in the paper, left out.
    """
    plan = Plan.of(profile)
    methods = [m for m in PAPER if name != "table11" or m != "DeepSD"]
    return plan.runs(methods, table_cities(name, profile), plan.fractions)


def patience(profile: str) -> Rows:
    """Trained with twice the patience: three methods on the smallest city, least data.

    And ours where its settings were chosen, since that city is held out for it.
    """
    plan = Plan.of(profile)
    small = [city for city in plan.cities if city in SMALL]
    others = [city for city in plan.cities if city not in SMALL]
    least = plan.fractions[:1], plan.seeds
    printed = patience_rows(plan, ("ESPCN", "UrbanFM", "UrbanSTC"), small, *least)
    return printed | patience_rows(plan, ("MultinomialNet",), others[:1], *least)


LABELLED = {  # tables whose rows are more than a method's name: profile -> {label: runs}
    "variants": variant_runs,
    "table7": ablations.table7,
    "pretexts": ablations.pretexts,
    "table8": ablations.table8,
    "table9": ablations.table9,
    "figure6": ablations.figure6,
    "figure7a": partial(ablations.figure7, 4),
    "figure7b": partial(ablations.figure7, 2),
    "figure8": ablations.figure8,
    "beyond": ablations.beyond,
    "parts": ablations.parts,
    "constraint": ablations.constraint,
    "budget": ablations.budget,
    "patience": patience,
}


TABLES = {name: partial(table_runs, name) for name in ORIGINALS} | {
    name: RowTable(rows) for name, rows in LABELLED.items()
}
