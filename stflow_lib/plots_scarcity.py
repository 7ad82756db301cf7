"""Pictures of what parts, settings and days of target data are worth, seeds as the measure.

Frames are tidy: one row per run with `city`, `method`, `days`, `seed` and a column per metric.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.plots_ablations import sweep_figure
from stflow_lib.plots_axes import bare, legend_below
from stflow_lib.plots_results import COLOURS

INK = COLOURS[2:]  # the first two are for rules
MARKS = "os^Dv"
Errors = Mapping[str, Sequence[float]]  # row or value -> an error for each seed


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
            axis.scatter(found, np.full(len(found), y), s=20, color=INK[0], alpha=0.7)
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
        axis.axvline(middle, color=INK[1], lw=1, ls="--", label=f"{name}, mean")
    if len(errors) > 1:
        half = errors.std(ddof=1)
        axis.axvspan(middle - half, middle + half, color=INK[1], alpha=0.15, lw=0,
                     label="± standard deviation of its points")  # fmt: skip


def sweep_figures(
    panels: Mapping[str, tuple[str, Errors, Sequence[float]]], ylabel: str, columns: int = 2
) -> list[plt.Figure]:
    """Sweeps, see `plots_ablations.sweep_figure`, `columns` to a figure, all on one scale.

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
        style = {"marker": MARKS[k % len(MARKS)], "color": INK[k % len(INK)]}
        axis.scatter(own["spread"], own["error"], s=34, label=name, **style)
        for x, y, text in zip(own["spread"], own["error"], own["value"], strict=True):
            axis.annotate(text, (x, y), (5, 4), textcoords="offset points", fontsize=8)
    axis.set(title="Error against the spread of the weights", ylabel=ylabel,
             xlabel="standard deviation of the weights ω at the end of pre-training")  # fmt: skip
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.legend(frameon=False, fontsize="small")
    bare(axis)
    return fig


def days_figure(
    frame: pd.DataFrame, metrics: Sequence[str], units: Mapping[str, str], title: str
) -> plt.Figure:
    """Error against days of target data: a row per city, a panel per metric, a line per method.

    Points are seeds, lines go through means; the axis is in square roots of days. A method
    whose `days` are NaN needs none: a dashed line.
    """
    cities = list(dict.fromkeys(frame["city"]))
    fig, axes = plt.subplots(
        len(cities), len(metrics), figsize=(4.6 * len(metrics), 2.6 * len(cities) + 1),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for across, city in zip(axes, cities, strict=True):
        for axis, metric in zip(across, metrics, strict=True):
            _days_panel(axis, frame[frame["city"] == city], metric, [*_order(frame)])
            axis.set(title=city, ylabel=f"test {metric.upper()} ({units[city]})")
            _days_axis(axis, frame["days"].dropna())
    legend_below(fig, 3)
    fig.suptitle(title)
    return fig


def _order(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(frame["method"]))


def _days_panel(axis: plt.Axes, own: pd.DataFrame, metric: str, methods: list[str]) -> None:
    for k, method in enumerate(methods):
        runs, colour = own[own["method"] == method], INK[k % len(INK)]
        if runs.empty:
            continue
        if runs["days"].isna().all():
            axis.axhline(runs[metric].mean(), color="0.4", ls="--", lw=1.2, label=method)
            continue
        mean = runs.groupby("days")[metric].mean()
        style = {"color": colour, "marker": MARKS[k % len(MARKS)]}
        axis.plot(mean.index**0.5, mean, lw=1.4, ms=4, label=method, **style)
        axis.scatter(runs["days"] ** 0.5, runs[metric], s=16, **style)


def _days_axis(axis: plt.Axes, days: pd.Series) -> None:
    ticks = sorted(set(days))
    axis.set_xticks([day**0.5 for day in ticks], [f"{day:g}" for day in ticks])
    axis.set_xlabel("days of target data")
    bare(axis)


def day_gains_figure(gains: pd.DataFrame, title: str) -> plt.Figure:
    """What a method gains at each amount of data, a panel per city.

    `gains`: city, days, label (one colour each), gain, low, high; in percent, above zero is
    better. One seed has no interval, its point is hollow.
    """
    cities = list(dict.fromkeys(gains["city"]))
    labels = list(dict.fromkeys(gains["label"]))
    rows = -(-len(cities) // 2)
    fig, axes = plt.subplots(
        rows, min(2, len(cities)), figsize=(9.2, 2.7 * rows + 0.8), layout="constrained",
        squeeze=False, sharey=True,
    )  # fmt: skip
    for axis, city in zip(axes.flat, cities, strict=False):
        own = gains[gains["city"] == city]
        for k, label in enumerate(labels):
            shift = 0.09 * (k - (len(labels) - 1) / 2)
            _gains(axis, own[own["label"] == label], shift, INK[k % len(INK)], label)
        axis.axhline(0, color="0.3", lw=0.8)
        axis.set(title=city, ylabel="lower by (%)")
        _days_axis(axis, gains["days"])
    for axis in axes.flat[len(cities) :]:
        axis.remove()
    legend_below(fig, 2)
    fig.suptitle(title)
    return fig


def _gains(axis: plt.Axes, own: pd.DataFrame, shift: float, colour: str, label: str) -> None:
    x = own["days"].to_numpy() ** 0.5 + shift
    known = own["low"].notna().to_numpy()
    axis.vlines(x, own["low"], own["high"], color=colour, lw=2)
    face = [colour if k else "white" for k in known]
    axis.scatter(x, own["gain"], s=26, color=face, edgecolor=colour, zorder=3, label=label)
