"""Gains over one row of a table in words, and why there is none where there is none."""

from collections.abc import Iterable

import pandas as pd

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.runs import Rows, Run
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.table import NOT_RUN


def verdicts_table(
    judged: pd.DataFrame, rows: Rows, base: str, metrics: Iterable[str]
) -> pd.DataFrame:
    """Gains over row `base` in words with their verdicts, or why there is none, see `no_gain`.

    `judged`: of `compare`, named by the other rows. Rows down, (metric, city, amount) across.
    """
    text = {
        (row.row, row.metric, target_of(row.city), row.scarcity): (
            f"{tables.gain_text(row)}, {row.verdict}"
        )
        for row in judged.itertuples()
    }
    others = [name for name in rows if name != base]
    places = dict.fromkeys((target_of(run.city), run.scarcity) for run in tables.runs_of(rows))
    lacking = {
        (name, *place): no_gain(
            *(_into(rows.get(one, []), *place) for one in (name, base)), base
        )
        for name in others
        for place in places
    }
    cells = {
        (metric.upper(), *place): [
            text.get((n, metric, *place), lacking[n, *place]) for n in others
        ]
        for metric in metrics
        for place in places
    }
    return pd.DataFrame(cells, index=pd.Index(others))


def no_gain(group: Iterable[Run], base: Iterable[Run], name: str) -> str:
    """Why a row has no gain over the base: it, or else the base (`name`), is not run or failed."""
    sides = {"": runs.records(group), f"{name} ": runs.records(base)}
    for side, found in sides.items():
        if not found:
            return side + NOT_RUN
        if all(record["notes"].get("collapsed") for record in found):
            return f"{side}failed"
    return "no seed of both"


def _into(group: Iterable[Run], target: str, amount: str) -> list[Run]:
    """A row's runs on a target with an amount of data, from whatever sources."""
    return [r for r in group if (target_of(r.city), r.scarcity) == (target, amount)]
