"""Tables and figures of the ablations page: rows of variants, and the size of the bank."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.book.display import show_list
from stflow_lib.book.plots.speedgraph.left import LAST, show_left
from stflow_lib.book.plots.speedgraph.sources_and_days import days_of
from stflow_lib.book.plots.sweeps import variants_figure
from stflow_lib.runs import Rows, RowTable
from stflow_lib.speedgraph.plan import Plan
from stflow_lib.verdicts import paired
from stflow_lib.verdicts.ranking import FIXED

ERRORS = ("mae", "rmse")
REFERENCE = (LAST, "Trees", "Trees(pooled)", "Boosted line")  # no network and nothing to remove
Sweep = Mapping[str, Mapping[str, Sequence[float]]]  # reading -> {size: errors [seed]}


def errors_figure(rows: Rows, unit: str, base: str, title: str) -> plt.Figure | None:
    """Test errors of some rows, a point per seed; None while nothing is recorded.

    The mean of row `base` is drawn through all rows.
    """
    panels = {
        f"test {error.upper()} ({unit}), mean of the horizons": {
            row: paired.errors(group, error).tolist() for row, group in rows.items()
        }
        for error in ERRORS
    }
    recorded = any(any(errors.values()) for errors in panels.values())
    return variants_figure(panels, base, title) if recorded else None


def by_profile(table: RowTable, profile: str) -> dict[str, Rows]:
    """The rows of a table at each size that is shown: a longer schedule never hides a shorter one.

    At `profile` where two rows are recorded; at the short fixed schedule too, unless every row is
    recorded at `profile`. Where nothing is recorded the gaps of `profile` are shown.
    """
    rows = {size: table.rows(size) for size in dict.fromkeys((profile, FIXED))}
    known = {
        size: sum(bool(runs.records(group)) for group in found.values())
        for size, found in rows.items()
    }
    whole = len(rows[profile])
    shown = [profile] * (known[profile] > 1)
    shown += [FIXED] * (FIXED not in shown and known[FIXED] > 0 and known[profile] < whole)
    return {size: rows[size] for size in shown or [profile]}


def reference(profile: str, pair: str) -> Rows:
    """What learns by no steps, at a pair of cities; the last value even without a record."""
    plan = Plan.of(profile)
    rows = {name: plan.runs([name], [pair], plan.few) for name in REFERENCE}
    return {name: group for name, group in rows.items() if name == LAST or runs.records(group)}


def show_rows(rows: Rows, beside: Rows, base: str, unit: str, title: str) -> None:
    """Errors with those of `beside`, gaps, origin and age, and who left the last value."""
    recorded = {name: group for name, group in rows.items() if runs.records(group)}
    if errors_figure(recorded | beside, unit, base, title):
        plt.show()
    if absent := [name for name in rows if name not in recorded]:
        show_list("Not run", absent)
    tables.show_provenance(rows)
    show_left(rows, beside[LAST], days_of, title)


def show_base_against_others(rows: Rows, base: str) -> None:
    """The gain of row `base` over each of the other rows, paired by seed."""
    pairs = tables.below((base, row) for row in rows if row != base)
    tables.show_comparisons(tables.compare(rows, pairs, ERRORS))


def bank_sweep(rows: Rows, metric: str = "mae") -> Sweep:
    """Errors by the size of the bank in each reading, from rows named "reading, K = size"."""
    sweep: dict[str, dict[str, list[float]]] = {}
    for row, group in rows.items():
        reading, _, size = row.partition(", K = ")
        if errors := paired.errors(group, metric).tolist():
            sweep.setdefault(reading, {})[size] = errors
    return sweep


def near_rule(rows: Rows, rule: float, percent: float) -> dict[str, str]:
    """How many trainings of each reading end less than so many percent below a rule: "2 of 7".

    `rows` as in `bank_sweep`, `rule` an MAE; failed trainings count.
    """
    found: dict[str, list[float]] = {}
    for row, group in rows.items():
        errors = tables.all_errors(group, "mae")
        found.setdefault(row.partition(", K = ")[0], []).extend(errors)
    near = rule * (1 - percent / 100)
    return {
        r: f"{sum(e > near for e in errors)} of {len(errors)}" for r, errors in found.items()
    }


def sweep_spans(sweep: Sweep, base: Sequence[float]) -> dict[str, float]:
    """Largest minus smallest mean error of each reading, in percent of the mean of `base`."""
    return {
        reading: 100 * float(np.ptp([np.mean(e) for e in errors.values()]) / np.mean(base))
        for reading, errors in sweep.items()
        if len(base)
    }
