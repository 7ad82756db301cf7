"""Records of two schedules on one page: each where it is shown, none hidden, and never mixed.

`rows` are a table's runs, {label: runs}, at the size that a page shows, `short` those of the short
fixed schedule.
"""

from collections.abc import Iterable
from math import gcd

import pandas as pd

from stflow_lib.book.display import show_text
from stflow_lib.book.plots.gridflow import results
from stflow_lib.book.plots.gridflow.kinds import Case
from stflow_lib.book.tables import SHORT, runs_of, show_provenance, without_record
from stflow_lib.gridflow import TABLES
from stflow_lib.gridflow.plan import Plan
from stflow_lib.runs import Rows, RowTable, Run
from stflow_lib.verdicts import paired
from stflow_lib.verdicts.ranking import FIXED

LONG = "trained until learning ends, as far as that is recorded"  # why such a table is closed
BRIEF = "short fixed schedule"
DAY = 24  # hours
LINE = "The line is chosen on all hours, so networks are at a disadvantage beside it."
CELL = ["row", "city", "scarcity", "metric"]


def rest(table: RowTable, profile: str, shown: str) -> Rows:
    """Recorded runs of a table that are not among those at `shown`, one of `profile` and FIXED.

    Of the short fixed schedule only what the longer one lacks; of the longer one nothing where
    Table 2 has all of it.
    """
    if shown != profile:
        left = without_record(table.rows(profile), {})
        table2 = {run.key for run in runs_of(TABLES["table2"].rows(profile))}
        return left if any(run.key not in table2 for run in runs_of(left)) else {}
    return without_record(table.rows(FIXED), table.rows(profile)) if profile == "bench" else {}


def show_rest(table: RowTable, profile: str, shown: str, caption: str) -> None:
    """`rest` as closed tables that say of which schedule they are; nothing where there is none."""
    left = rest(table, profile, shown)
    if left:
        both = [*runs_of(table.rows(profile)), *runs_of(table.rows(FIXED))]
        pairs = dict.fromkeys(run.city for run in both if ">" in run.city)
        why = SHORT if shown == profile else LONG
        results.show_metric_tables(results.summary_by_pair(left, pairs), caption, folded=why)
        show_provenance(left)


def not_in(gains: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The comparisons (of `tables.compare`) whose cell no comparison of `others` has."""
    known = set(others[CELL].itertuples(index=False, name=None))
    cells = gains[CELL].itertuples(index=False, name=None)
    return gains.loc[[cell not in known for cell in cells]]


def cases(rows: Rows, short: Rows, pairs: Iterable[str]) -> dict[str, Case]:
    """STBaT against Finetuned on each pair, as `kinds.show_kinds` takes it.

    The short schedule has a case of its own, for amounts of data that the other cannot compare.
    """
    found: dict[str, Case] = {}
    for pair in pairs:
        sides = _sides(rows, pair)
        known = _compared(*sides)
        brief = tuple([r for r in g if r.scarcity not in known] for g in _sides(short, pair))
        early = _compared(*brief)
        if known or not early:
            found[pair] = (*sides, pair)
        if early:
            found[f"{pair}, {BRIEF}"] = (*brief, pair)
    return found


def _sides(rows: Rows, pair: str) -> tuple[list[Run], list[Run]]:
    mine, theirs = ([r for r in rows.get(name, []) if r.city == pair]
                    for name in ("STBaT", "Finetuned"))  # fmt: skip
    return mine, theirs


def _compared(better: Iterable[Run], other: Iterable[Run]) -> set[str]:
    """Amounts of data at which the two have a pair of sound runs."""
    return {amount for _, amount, _ in paired.aligned(better, other, "rmse")[0].index}


def choices(plan: Plan, method: str = "Finetuned") -> str:
    """What of the validation part chooses a network's epoch, where that is not all of the clock
    and of the epochs; else ""."""
    settings = plan.settings(method)
    stages = [getattr(settings, n) for n in ("source", "target") if hasattr(settings, n)]
    hours = min(DAY // gcd(DAY, stage.valid_every) for stage in stages)
    said = [f"every epoch was chosen on {hours} of {DAY} hours of the day"] * (hours < DAY)
    late = "fine-tuning could not leave a network as it came"
    said += [late] * (hasattr(settings, "target") and not settings.target.keep_start)
    return f"Profile {plan.profile}: {', and '.join(said)}." if said else ""


def show_choices(sizes: Iterable[str], beside: str = "") -> None:
    """`choices` of those profiles that lack something; `beside`: what the others may do."""
    for said in filter(None, (choices(Plan.of(size)) for size in dict.fromkeys(sizes))):
        show_text(f"{said} {beside}".strip())
