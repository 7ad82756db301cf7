"""Ablation figures: a setting against the error, with the spread of seeds as a measure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.plots_axes import bare
from stflow_lib.plots_results import COLOURS

INK = COLOURS[2:]  # the first two are for rules


def amounts_figure(rows: dict[str, pd.Series], ylabel: str, title: str) -> plt.Figure:
    """Error over the amount of data, a line per row through the means, a point per seed.

    Each series is indexed by (city, scarcity, seed), scarcity as text in percent.
    """
    fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for k, (label, errors) in enumerate(rows.items()):
        amounts = errors.index.get_level_values(1).astype(float)
        mean = errors.groupby(amounts).mean()
        axis.plot(mean.index, mean, "-o-s"[2 * k :][:2], color=INK[k], lw=1.4, label=label)
        axis.scatter(amounts, errors, s=12, color=INK[k], alpha=0.6)
    axis.set(title=title, xlabel="share of the training steps kept (%)", ylabel=ylabel)
    axis.set_xticks(sorted({float(a) for e in rows.values() for _, a, _ in e.index}))
    axis.legend(frameon=False)
    _plain(axis)
    return fig


def sweep_figure(panels: dict[str, tuple], ylabel: str) -> plt.Figure:
    """Error against the values of a setting, a panel each.

    `panels`: title -> (x label, {value: errors [seed]}, errors [seed] of the tables' setting);
    the latter is drawn as a band, mean and standard deviation, because a curve inside it says
    nothing.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(5.2 * len(panels), 3.6),
                             layout="constrained", squeeze=False)  # fmt: skip
    for axis, (title, (xlabel, points, tables)) in zip(axes[0], panels.items(), strict=True):
        _band(axis, np.asarray(tables, float))
        places = range(len(points))
        axis.plot(places, [np.mean(errors) for errors in points.values()], "-o", color=INK[0])
        axis.set_xticks(places, points)
        axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=(-0.4, len(points) - 0.6))
        axis.legend(frameon=False, fontsize="small")
        _plain(axis)
    return fig


def _band(axis, errors: np.ndarray) -> None:
    middle = errors.mean()
    axis.axhline(
        middle, color=INK[1], lw=1, ls="--", label=f"as in the tables (n={len(errors)})"
    )
    if len(errors) > 1:
        half = errors.std(ddof=1)
        axis.axhspan(middle - half, middle + half, color=INK[1], alpha=0.15,
                     label="± standard deviation over seeds")  # fmt: skip


def _plain(axis) -> None:
    axis.ticklabel_format(axis="y", useOffset=False)
    bare(axis, "y")
