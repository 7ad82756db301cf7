"""Tables and figures of the ablations page: rows of variants, and the size of the bank."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from stflow_lib.book import tables
from stflow_lib.book.plots.sweeps import variants_figure
from stflow_lib.runs import Rows
from stflow_lib.verdicts import paired

ERRORS = ("mae", "rmse")
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
