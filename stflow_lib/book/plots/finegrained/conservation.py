"""What the last layer keeps: sums of blocks and relative errors."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.finegrained.efficiency import BLUE, GREEN, GREY, RED
from stflow_lib.book.plots.style import bare

FORMS = {"none": RED, "m2_signed": GREEN, "m2": BLUE}  # constraint -> colour


def sums_figure(sums: Mapping[str, tuple], unit: str) -> plt.Figure:
    """Sum of fine cells against the coarse cell they belong to, a panel per last layer.

    `sums`: {form: (coarse [N], sum of fine cells [N])}, forms as in `FORMS` or any other name.
    """
    fig, axes = plt.subplots(1, len(sums), figsize=(3.5 * len(sums), 3.7), sharex=True,
                             layout="constrained", squeeze=False)  # fmt: skip
    for axis, (form, (coarse, total)) in zip(axes[0], sums.items(), strict=True):
        axis.scatter(coarse, total, s=7, alpha=0.35, lw=0, color=FORMS.get(form, GREY))
        edge = [0, float(np.max(coarse))]
        axis.plot(edge, edge, color="black", lw=0.8, ls="--", label="equal")
        gap = np.abs(np.asarray(total) - coarse).mean()
        axis.set(title=f"{form}: {gap:.3g} off on average", xlabel=f"coarse cell ({unit})")
        bare(axis)
    axes[0, 0].set_ylabel(f"sum of its fine cells\n({unit})")
    axes[0, 0].legend(frameon=False, loc="upper left")
    return fig


def relative_error_figure(printed: pd.DataFrame, rule: str) -> plt.Figure:
    """MAPE of every printed row as a multiple of a rule's on the same set, by group of methods.

    `printed`: method, dataset, group, ratio; a row on the line does as well as the rule.
    """
    methods = list(dict.fromkeys(printed["method"]))
    fig, axis = plt.subplots(figsize=(7.6, 0.3 * len(methods) + 1.5), layout="constrained")
    for (group, rows), colour in zip(
        printed.groupby("group", sort=False), (RED, BLUE), strict=False
    ):
        y = [len(methods) - 1 - methods.index(m) for m in rows["method"]]
        axis.scatter(rows["ratio"], y, s=34, color=colour, alpha=0.75, lw=0, label=group)
    axis.axvline(1, color="0.3", lw=0.9, ls="--")
    axis.set_yticks(range(len(methods)), methods[::-1])
    axis.set(title=f"MAPE over that of {rule}, printed numbers, a point per data set",
             xlabel=f"MAPE / MAPE of {rule}")  # fmt: skip
    axis.legend(frameon=False, loc="lower right")
    bare(axis, "x")
    return fig
