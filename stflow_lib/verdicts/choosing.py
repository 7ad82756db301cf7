"""How many settings of our own methods were scored where, see `runs.held_out`."""

import json
from collections.abc import Iterable

import pandas as pd

from stflow_lib import runs
from stflow_lib.runs import store
from stflow_lib.runs.held_out import SIMULATED, is_held_out, own_methods
from stflow_lib.runs.pair import target_of

COLUMNS = ["method", "city", "settings", "held_out"]


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
        if name in own and record["profile"] != "smoke" and not city.startswith(SIMULATED):
            text = json.dumps(record["settings"], sort_keys=True)
            found.setdefault((own.index(name), name, city), set()).add(text)
    rows = [
        (name, city, len(texts), is_held_out(wing, city))
        for (_, name, city), texts in sorted(found.items())
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
