"""Sentences of the results page that follow from its records: what days bring, and a mean."""

from collections.abc import Iterable

import pandas as pd

from stflow_lib.book.plots.gridflow.results import METRICS
from stflow_lib.book.plots.transfers import arrow, days
from stflow_lib.book.tables import by_seed
from stflow_lib.runs import Rows, records


def where_below(long: pd.DataFrame, row: str, other: str, amount: str) -> list[str]:
    """On which pairs a row's mean is below another's, and both: a sentence for each metric.

    `long`: of `results.summary_by_pair`.
    """
    said = []
    for metric in METRICS:
        here = long[(long["scarcity"] == amount) & (long["metric"] == metric)]
        wide = here.pivot_table("mean", "pair", "row", sort=False)
        wide = wide.reindex(columns=[row, other]).dropna()
        below = wide[wide[row] < wide[other]]
        places = [f"{arrow(p)} ({a:.3g} against {b:.3g})" for p, (a, b) in below.T.items()]
        what = f"{row} below {other} in {metric.upper()}, {days(amount)}"
        said.append(f"{what}: {_of(places, len(wide), 'pairs')}.")
    return said


def worse_with_days(rows: Rows, pairs: Iterable[str], few: str, none: str) -> list[str]:
    """Which rows err more with days of the target than with none: a sentence for each metric.

    Over seeds that have both; failed trainings count on neither side.
    """
    said, pairs = [], list(pairs)
    for metric in METRICS:
        more = {
            (row, pair): change
            for pair in pairs
            for row, group in rows.items()
            if (change := _change(group, pair, metric, few, none)) is not None
        }
        places = [f"{r} on {arrow(p)} (+{c:.1f} %)" for (r, p), c in more.items() if c > 0]
        what = f"{metric.upper()} higher with {few} days of the target than without any"
        said.append(f"{what}: {_of(places, len(more), 'comparisons')}.")
    return said


def trainings_failed(rows: Rows, amount: str) -> list[str]:
    """How many recorded trainings of each row failed, see `runs.failure`; rules cannot."""
    said = []
    for row, group in rows.items():
        found = [one for one in records(group) if one["scarcity"] == amount and one["epochs"]]
        if found:
            lost = sum(bool(one["notes"].get("collapsed")) for one in found)
            said.append(f"{row}, {days(amount)}: {lost} of {len(found)} trainings failed.")
    return said


def _change(group: Iterable, pair: str, metric: str, few: str, none: str) -> float | None:
    """By how many percent days raise the mean error; None where no seed has both."""
    group = list(group)
    sides = [by_seed(group, pair, amount, metric) for amount in (few, none)]
    with_days, without = (side.set_axis([seed for *_, seed in side.index]) for side in sides)
    both = with_days.index.intersection(without.index)
    if both.empty:
        return None
    return 100 * (with_days[both].mean() / without[both].mean() - 1)


def _of(places: list[str], number: int, what: str) -> str:
    found = "; ".join(places) or "nowhere"
    return f"{found}; {len(places)} of {number} {what}"
