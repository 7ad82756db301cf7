"""The paper's question with every row on Graph WaveNet: errors, gains and a finding."""

from collections.abc import Iterable

import pandas as pd

from stflow_lib import runs
from stflow_lib.book import findings, tables
from stflow_lib.book.display import OTHER, show_table, show_text
from stflow_lib.book.plots.speedgraph.left import LAST, show_left
from stflow_lib.book.plots.speedgraph.results import (
    ERRORS,
    recorded_pairs,
    show_gains_by_target,
    target_table,
)
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.book.verdict_table import verdicts_table
from stflow_lib.runs import Rows
from stflow_lib.runs.pair import target_of

WHOLE, ALONE = "TSJT", "Target only"  # rows of the table `waves`


def against_others(rows: Rows) -> pd.DataFrame:
    """How much lower the whole method's errors are than each other row's: `tables.compare`."""
    return tables.compare(rows, {name: (WHOLE, name) for name in rows if name != WHOLE}, ERRORS)


def finding(rows: Rows, profile: str) -> list[str]:
    """The whole method's errors against all other rows, a sentence for each error."""
    judged = against_others(rows)
    what = f"of {WHOLE} against its parts and plain ways to use sources, on Graph WaveNet"
    return [
        findings.compared(
            judged[judged["metric"] == error], f"{error.upper()} {what} (profile {profile})"
        )
        for error in ERRORS
    ]


def show_waves(rows: Rows, beside: Rows, pairs: Iterable[str], profile: str) -> None:
    """Errors on each target with those of `beside`, gains over the target alone, who left it.

    `pairs`: transfers that the rows plan. A gap is said to be one.
    """
    planned = tables.runs_of(rows)
    if not runs.records(planned):
        show_text(f"Graph WaveNet: not run; {len(planned)} runs are planned.")
        return
    for pair in recorded_pairs(rows, pairs):
        table = target_table(rows | beside, pair)
        caption = f"{arrow(pair)}, three days, {tables.unit_of(pair)} (profile {profile})"
        show_table(table, caption, best=True)
    _show_over_alone(rows)
    show_gains_by_target(against_others(rows), f"Error of {WHOLE} below the other's")
    show_left(rows, beside[LAST], lambda r: target_of(r["city"]), "Graph WaveNet")
    tables.show_provenance(rows)


def _show_over_alone(rows: Rows) -> None:
    """Gains over the target alone with their verdicts, targets across, a table for each error."""
    others = {name: (name, ALONE) for name in rows if name != ALONE}
    wide = verdicts_table(tables.compare(rows, others, ERRORS), rows, ALONE, ERRORS)
    for number, error in enumerate(ERRORS):
        own = wide[error.upper()].droplevel(1, axis=1)
        title = f"{error.upper()} below that of Graph WaveNet on the target alone, %"
        show_table(own, title, folded=OTHER if number else "")
