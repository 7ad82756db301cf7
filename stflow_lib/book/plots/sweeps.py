"""Errors over a setting, a budget or an amount of data."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.style import BLUE, PALETTE, RED, bare, legend_above, legend_below

COLOURS = PALETTE[:6]
MARKS = "os^Dv"
Errors = Mapping[str, Sequence[float]]  # row or value -> an error for each seed


def amounts_figure(rows: dict[str, pd.Series], ylabel: str, title: str) -> plt.Figure:
    """Error over the amount of data, a line per row through the means, a point per seed.

    Each series is indexed by (city, scarcity, seed), scarcity as text in percent.
    """
    fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for k, (label, errors) in enumerate(rows.items()):
        amounts = errors.index.get_level_values(1).astype(float)
        mean = errors.groupby(amounts).mean()
        axis.plot(mean.index, mean, "-o-s"[2 * k :][:2], color=COLOURS[k], lw=1.4, label=label)
        axis.scatter(amounts, errors, s=12, color=COLOURS[k], alpha=0.6)
    axis.set(title=title, xlabel="share of the training steps kept (%)", ylabel=ylabel)
    axis.set_xticks(sorted({float(a) for e in rows.values() for _, a, _ in e.index}))
    legend_above(axis)
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
        axis.plot(places, [np.mean(errors) for errors in points.values()], "-o", color=BLUE)
        axis.set_xticks(places, points)
        axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xlim=(-0.4, len(points) - 0.6))
        legend_above(axis)
        _plain(axis)
    return fig


def _band(axis, errors: np.ndarray) -> None:
    middle = errors.mean()
    axis.axhline(middle, color=RED, lw=1, ls="--", label=f"as in the tables (n={len(errors)})")
    if len(errors) > 1:
        half = errors.std(ddof=1)
        axis.axhspan(middle - half, middle + half, color=RED, alpha=0.15,
                     label="± standard deviation over seeds")  # fmt: skip


def _plain(axis) -> None:
    axis.ticklabel_format(axis="y", useOffset=False)
    bare(axis, "y")


def variants_figure(panels: Mapping[str, Errors], base: str, title: str) -> plt.Figure:
    """Rows of runs: a point per run (a seed, a draw), a tick at the mean; a panel per metric.

    `panels`: x label -> {row: errors}. Mean and standard deviation of row `base` are drawn
    through all rows.
    """
    rows = list(dict.fromkeys(row for errors in panels.values() for row in errors))
    fig, axes = plt.subplots(
        1, len(panels), figsize=(min(4.6 * len(panels), 9.6), 0.42 * len(rows) + 1.8),
        layout="constrained", squeeze=False, sharey=True,
    )  # fmt: skip
    for axis, (xlabel, errors) in zip(axes[0], panels.items(), strict=True):
        _through(axis, np.asarray(errors.get(base, ()), float), base)
        for y, row in enumerate(rows):
            found = np.asarray(errors.get(row, ()), float)
            axis.scatter(found, np.full(len(found), y), s=20, color=BLUE, alpha=0.7)
            if len(found):
                axis.plot(found.mean(), y, "|", ms=17, mew=2.2, color="black")
        axis.set_xlabel(xlabel)
        axis.locator_params(axis="x", nbins=5)
        bare(axis, "x")
    axes[0, 0].set_yticks(range(len(rows)), rows)
    axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
    fig.suptitle(title)
    legend_below(fig, 2)
    return fig


def _through(axis: plt.Axes, errors: np.ndarray, name: str) -> None:
    """The mean of some runs as a line across the rows, one standard deviation as a band."""
    if len(errors):
        middle = errors.mean()
        axis.axvline(middle, color=RED, lw=1, ls="--", label=f"{name}, mean")
    if len(errors) > 1:
        half = errors.std(ddof=1)
        axis.axvspan(middle - half, middle + half, color=RED, alpha=0.15, lw=0,
                     label="± standard deviation of its points")  # fmt: skip


def sweep_figures(
    panels: Mapping[str, tuple[str, Errors, Sequence[float]]], ylabel: str, columns: int = 2
) -> list[plt.Figure]:
    """Sweeps, see `sweep_figure`, `columns` to a figure, all on one scale.

    On scales of their own a flat sweep would look as steep as any other.
    """
    items = list(panels.items())
    groups = [dict(items[first : first + columns]) for first in range(0, len(items), columns)]
    figures = [sweep_figure(group, ylabel) for group in groups]
    axes = [axis for figure in figures for axis in figure.axes]
    ends = np.array([axis.get_ylim() for axis in axes])
    for number, axis in enumerate(axes):
        axis.set_ylim(ends[:, 0].min(), ends[:, 1].max())
        if number and axis.get_legend():
            axis.get_legend().remove()
    return figures


def spread_figure(points: pd.DataFrame, base: Sequence[float], ylabel: str) -> plt.Figure:
    """Test error against how far the weights of regions spread: does the one move the other?

    `points`: a row per run with `changed` (the setting that differs), `value` (as text, beside
    its point), `spread` and `error`. `base`: errors of the unchanged setting over seeds.
    """
    fig, axis = plt.subplots(figsize=(7.4, 4.4), layout="constrained")
    base = np.asarray(base, float)
    if len(base) > 1:
        middle, half = base.mean(), base.std(ddof=1)
        axis.axhspan(middle - half, middle + half, color="0.9", zorder=0,
                     label="base setting, ± standard deviation over seeds")  # fmt: skip
    for k, (name, own) in enumerate(points.groupby("changed", sort=False)):
        style = {"marker": MARKS[k % len(MARKS)], "color": COLOURS[k % len(COLOURS)]}
        axis.scatter(own["spread"], own["error"], s=34, label=name, **style)
        for x, y, text in zip(own["spread"], own["error"], own["value"], strict=True):
            axis.annotate(text, (x, y), (5, 4), textcoords="offset points", fontsize=8)
    axis.set(title="Error against the spread of the weights", ylabel=ylabel,
             xlabel="standard deviation of the weights ω at the end of pre-training")  # fmt: skip
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.margins(y=0.15)  # for the words of the highest point
    legend_above(axis)
    bare(axis)
    return fig
