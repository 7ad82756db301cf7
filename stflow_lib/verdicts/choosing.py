"""Where settings of our own methods may be chosen, and how many were scored where.

A method that a paper prints comes with settings. What goes beyond the papers could be tried until
a test error looks good, so its settings are chosen on some cities and scored once on the others.
"""

import json
from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

import pandas as pd

from stflow_lib import runs
from stflow_lib.runs import store
from stflow_lib.runs.pair import target_of
from stflow_lib.training.method import Method

CHOOSING = {  # wing -> first letters of the targets on which settings are chosen
    "finegrained": ("taxi-sf-64", "bikenyc-p6"),
    "gridflow": ("jonas-",),
    "speedgraph": ("la", "aarhus"),
}
COLUMNS = ["method", "city", "settings", "held_out"]


def is_held_out(wing: str, city: str) -> bool:
    """Whether no setting may be chosen on a target; simulated cities are nobody's."""
    return not target_of(city).startswith((*CHOOSING[wing], "sim-"))


def own_methods(wing: str) -> list[str]:
    """The methods of a wing that no paper has: those of its package `beyond`."""
    package = import_module(f"stflow_lib.{wing}.beyond")
    names = [module.name for module in iter_modules(package.__path__)]
    modules = [import_module(f"{package.__name__}.{name}") for name in names]
    found = [value for module in modules for value in vars(module).values()]
    return list(dict.fromkeys(one.name for one in found if isinstance(one, Method)))


def settings_scored(wing: str) -> pd.DataFrame:
    """How many settings of each of our methods have a test error, by target.

    Columns: COLUMNS; every size and schedule is a setting of its own, simulated cities are left
    out. Counted from the store and the published records; smoke runs choose nothing.
    """
    records = [*store.read_all(wing), *runs.published(wing).values()]
    return count_settings(wing, records)


def count_settings(wing: str, records: Iterable[dict]) -> pd.DataFrame:
    """`settings_scored` of given records."""
    own = own_methods(wing)
    found: dict[tuple[int, str, str], set[str]] = {}
    for record in records:
        name, city = record["method"], target_of(record["city"])
        if name in own and record["profile"] != "smoke" and not city.startswith("sim-"):
            text = json.dumps(record["settings"], sort_keys=True)
            found.setdefault((own.index(name), name, city), set()).add(text)
    rows = [
        (name, city, len(texts), is_held_out(wing, city))
        for (_, name, city), texts in sorted(found.items())
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
