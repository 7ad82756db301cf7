"""Which trainings have left the last value, at which every network begins."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.book.display import show_table, show_text
from stflow_lib.runs import Rows, Run
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.table import NOT_RUN
from stflow_lib.speedgraph.tables import CHANGE

LAST = "Last value"
ABOVE = "above last value, %"
UNKNOWN = "-"  # records of before a validation error was kept, and what the rows do not plan


def left_table(rows: Rows, rule: Iterable[Run], case: Callable[[Mapping], str]) -> pd.DataFrame:
    """How many trainings have an MAE below the last value's, on validation and on test: "1 of 3".

    `rule`: runs of the last value; `case(record)` names a column. Failed trainings count too;
    methods with a recorded training down, (part, case) across; a column of which no record tells
    is left out.
    """
    bars = _bars(rule)
    parts = {
        "validation": lambda r: _below(r.get("valid_error"), _own_rule(r)),
        "test": lambda r: _below(r["metric_mae"], bars.get(_place(r))),
    }
    trained = {n: [r for r in runs.records(g) if r["epochs"]] for n, g in rows.items()}
    order = sorted(tables.runs_of(rows), key=lambda run: float(run.scarcity))
    planned = {name: {case(vars(run)) for run in group} for name, group in rows.items()}
    cases = dict.fromkeys(case(vars(run)) for run in order)
    cells = {
        (part, words): {
            name: _share(
                [is_below(r) for r in found if case(r) == words], words in planned[name]
            )
            for name, found in trained.items()
            if found
        }
        for part, is_below in parts.items()
        for words in cases
    }
    found = pd.DataFrame(cells).rename_axis(index="method")
    untold = found.eq(UNKNOWN).any() & found.isin([UNKNOWN, NOT_RUN]).all()
    return found.loc[:, ~untold]


def show_left(
    rows: Rows, rule: Iterable[Run], case: Callable[[Mapping], str], what: str
) -> None:
    """The table of `left_table`; nothing while no network is recorded."""
    found = left_table(rows, rule, case)
    if len(found):
        show_table(found, f"{what}: trainings with an MAE below the last value's")


def failed_table(
    rows: Rows, rule: Iterable[Run], case: Callable[[Mapping], str]
) -> pd.DataFrame:
    """Failed trainings one by one: MAE, and how far it is above the last value's, in percent.

    Where all of a row failed a table of means says no more than that. Method, `case(record)` and
    seed down; (part, what) across: the test part, and the validation part that judged it.
    """
    bars = _bars(rule)
    lines = [
        (name, case(r), r["seed"], *_beside(r["metric_mae"], bars.get(_place(r))),
         *_beside(r.get("valid_error"), _own_rule(r)))
        for name, group in rows.items()
        for r in runs.records(group)
        if r["notes"].get("collapsed")
    ]  # fmt: skip
    columns = [(part, what) for part in ("test", "validation") for what in ("MAE", ABOVE)]
    index = ["method", "amount", "seed"]
    found = pd.DataFrame(lines, columns=[*index, *columns]).set_index(index)
    return found.set_axis(pd.MultiIndex.from_tuples(columns), axis=1)


def show_failed(
    rows: Rows, rule: Iterable[Run], case: Callable[[Mapping], str], what: str
) -> None:
    """The table of `failed_table`, closed, and how many are below the rule on the test days."""
    found = failed_table(rows, rule, case)
    if found.empty:
        return
    counts = (found["test", ABOVE] < 0).groupby(level="amount", sort=False).agg(["sum", "size"])
    said = "; ".join(f"{amount}: {k} of {n}" for amount, k, n in counts.itertuples())
    show_text(f"Failed trainings with an MAE below the last value's on the test days: {said}.")
    show_table(found, f"{what}: trainings that failed, MAE", 2, folded="no mean counts them")


def _beside(own: float | None, rule: float | None) -> tuple[float, float]:
    """An error, and by how many percent it is above the rule's; nan where one is not recorded."""
    own, rule = (math.nan if value is None else value for value in (own, rule))
    return own, 100 * (own / rule - 1)


def _bars(rule: Iterable[Run]) -> dict[tuple[str, ...], float]:
    """The rule's test errors by place."""
    return {_place(record): record["metric_mae"] for record in runs.records(rule)}


def _place(record: Mapping) -> tuple[str, ...]:
    """Where a rule's test error is one: what networks are asked for does not change it."""
    protocol = record["protocol"].replace(CHANGE, "")
    return target_of(record["city"]), protocol, record["scarcity"], record["profile"]


def _own_rule(record: Mapping) -> float | None:
    return (record.get("rule_valid_error") or {}).get(LAST)


def _below(own: float | None, rule: float | None) -> bool | None:
    """None where one of the two is not recorded."""
    return None if own is None or rule is None else own < rule


def _share(marks: Sequence[bool | None], planned: bool) -> str:
    known = [mark for mark in marks if mark is not None]
    if known:
        return f"{sum(known)} of {len(known)}"
    return NOT_RUN if planned and not marks else UNKNOWN
