"""Errors and gains over days of the target's own data."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book.plots.style import bare, legend_below
from stflow_lib.book.plots.sweeps import INK, MARKS


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
