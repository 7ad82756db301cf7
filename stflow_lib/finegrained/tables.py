"""Which runs make up which table of UrbanSTC's paper."""

from functools import partial

from stflow_lib import profiles
from stflow_lib.data import registry
from stflow_lib.runs import Run

ORIGINALS = {  # the paper's own sets take part where their files are
    "table3": "taxibj-p1",
    "table4": "taxibj-p2",
    "table5": "taxibj-p3",
    "table6": "taxibj-p4",
    "table11": "bikenyc-2019",
}


def factor_of(city: str) -> int:
    """M: the bicycle sets are refined by 2, all others by 4."""
    return 2 if city.startswith("bike") else 4


def table_cities(name: str, profile: str) -> list[str]:
    """The original of a table, where it is here and the size is real, then its stand-ins.

    Tables 3 and 11 carry the profile's stand-ins at M = 4 and M = 2; Tables 4 to 6 have none.
    """
    original = registry.entries()[ORIGINALS[name]]
    here = [original.name] if profile != "smoke" and original.files() is not None else []
    factor = {"table3": 4, "table11": 2}.get(name)
    return here + [
        c for c in profiles.table("finegrained", profile)["cities"] if factor_of(c) == factor
    ]


def table_runs(name: str, profile: str) -> list[Run]:
    """All runs of a table at a profile; methods that learn nothing from chance run once."""
    size = profiles.table("finegrained", profile)
    return [
        Run("finegrained", method, city, f"x{factor_of(city)}", str(fraction), profile, seed,
            overrides)
        for city in table_cities(name, profile)
        for fraction in size["fractions"]
        for method, overrides in size["methods"].items()
        for seed in (size["seeds"][:1] if method in ("MEAN", "HA") else size["seeds"])
    ]  # fmt: skip


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


def variant_runs(profile: str) -> dict[str, list[Run]]:
    """Variant -> runs of UrbanSTC over the seeds, on the first M = 4 city, least data."""
    size = profiles.table("finegrained", profile)
    city = next(c for c in size["cities"] if factor_of(c) == 4)
    base, fraction = size["methods"]["UrbanSTC"], str(size["fractions"][0])
    return {
        name: [
            Run("finegrained", "UrbanSTC", city, "x4", fraction, profile, seed,
                _merged(base, changes))
            for seed in size["seeds"]
        ]
        for name, changes in VARIANTS.items()
    }  # fmt: skip


def _merged(base: dict, changes: dict) -> dict:
    nested = {k: _merged(base.get(k, {}), v) for k, v in changes.items() if isinstance(v, dict)}
    return {**base, **changes, **nested}


def _variants(profile: str) -> list[Run]:
    return [run for runs in variant_runs(profile).values() for run in runs]


TABLES = {name: partial(table_runs, name) for name in ORIGINALS} | {"variants": _variants}
