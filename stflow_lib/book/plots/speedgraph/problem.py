"""Pictures of the speed problem: sensor graphs, visible days, windows, errors by horizon.

Speeds stay in the unit of their city, mph or km/h; no axis is shared by two units.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.collections import LineCollection

from stflow_lib.book.plots import style
from stflow_lib.book.plots.style import bare, legend_above, legend_below

SERIES = ("0.45", style.ORANGE, style.BLUE, style.RED, style.GREEN, style.PURPLE)
MARKS = ("o", "^", "s", "D", "v", "P")
FEW = style.RED  # what a target may show


def _panels(count: int, columns: int, size: tuple[float, float], **shared):
    """A figure of `count` panels in rows of `columns`; its axes as a flat list."""
    columns = min(columns, count)
    lines = -(-count // columns)
    fig, axes = plt.subplots(lines, columns, figsize=(size[0] * columns, size[1] * lines),
                             layout="constrained", squeeze=False, **shared)  # fmt: skip
    for axis in axes.flat[count:]:
        axis.remove()
    return fig, list(axes.flat[:count])


def graphs_figure(cities: Mapping[str, xr.Dataset]) -> plt.Figure:
    """Every city's sensors at their places with the links between them; colour: mean speed."""
    fig, axes = _panels(len(cities), 2, (5.4, 4.2))
    for axis, (name, city) in zip(axes, cities.items(), strict=True):
        links = places(axis, city)
        points = axis.scatter(city["lon"], city["lat"], c=city["speed"].mean("time"), s=22,
                              cmap="cividis", zorder=3, edgecolor="white", lw=0.4)  # fmt: skip
        axis.set_title(f"{name}: {city.sizes['node']} sensors, {links:,} links", fontsize=11)
        fig.colorbar(points, ax=axis, label=f"mean speed ({city.attrs['unit']})", shrink=0.85)
    return fig


def places(axis: plt.Axes, city: xr.Dataset) -> int:
    """The links of a city's graph as lines between its sensors, on a true scale; their number.

    Thicker for larger weights, and the paler the more there are to each sensor.
    """
    lat, lon = city["lat"].values, city["lon"].values
    weights = city["adjacency"].values
    weights = np.triu(np.maximum(weights, weights.T), 1)
    start, end = np.nonzero(weights)
    ends = np.stack([np.c_[lon[start], lat[start]], np.c_[lon[end], lat[end]]], axis=1)
    width, crowd = 0.3 + weights[start, end], len(start) / len(lat)
    alpha = float(np.clip(3 / max(crowd, 1e-9), 0.15, 0.8))
    axis.add_collection(LineCollection(ends, color="0.5", lw=width, alpha=alpha, zorder=1))
    axis.set_aspect(1 / np.cos(np.radians(lat.mean())))
    axis.set(xlabel="longitude (°)", ylabel="latitude (°)")
    axis.locator_params("x", nbins=3)
    axis.locator_params("y", nbins=5)
    return len(start)


def days_figure(
    series: Mapping[str, pd.Series], units: Mapping[str, str], few: int, days: int
) -> plt.Figure:
    """Mean speed of each city over its first `days`, those that a target may show on colour.

    series: by time stamp from a midnight on, one value per step.
    """
    fig, axes = _panels(len(series), 1, (10, 1.75))
    for axis, (name, values) in zip(axes, series.items(), strict=True):
        first = values.index[0].normalize()
        shown = values[values.index < first + pd.Timedelta(days=days)]
        at = (shown.index - first) / pd.Timedelta("1D")
        axis.axvspan(0, few, color=FEW, alpha=0.18, lw=0, label="visible if it is the target")
        axis.plot(at, shown, color="0.2", lw=1.1)
        axis.set_title(f"{name}, from {first:%A %Y-%m-%d}", fontsize=10.5, loc="left")
        axis.set(ylabel=f"mean ({units[name]})", xlim=(0, days))
        names = [f"{first + pd.Timedelta(days=d):%a}" for d in range(days)]
        axis.set_xticks(np.arange(days) + 0.5, names)
        axis.tick_params("x", length=0)
        bare(axis, "y")
        for day in range(1, days):
            axis.axvline(day, color="0.9", lw=0.8, zorder=0)
    axes[-1].set_xlabel("day of the week")
    legend_below(fig, 1)
    return fig


def window_figure(
    past: np.ndarray,
    truth: np.ndarray,
    seen: np.ndarray,
    minutes: int,
    reported: Sequence[int],
    unit: str,
    title: str,
) -> plt.Figure:
    """Two hours of some sensors, past [S, L], and what is asked of them, truth [S, Q].

    seen [S, L + Q]: measured; a filled gap is an open circle. Reported steps are larger.
    """  # fmt: skip
    lags, ahead = past.shape[1], truth.shape[1]
    before = np.arange(-lags, 0) * minutes + minutes
    after = np.arange(1, ahead + 1) * minutes
    fig, axis = plt.subplots(figsize=(9, 3.8), layout="constrained")
    axis.axvspan(0, after[-1] + minutes / 2, color=FEW, alpha=0.12, lw=0, label="asked for")
    for number, colour in zip(range(len(past)), SERIES[2:], strict=False):
        axis.plot(before, past[number], "-", color=colour, lw=1.4)
        axis.plot(before, past[number], "o", ms=4, color=colour, label=f"sensor {number + 1}")
        filled = ~seen[number, :lags]
        axis.plot(before[filled], past[number][filled], "o", ms=6, mfc="white", color=colour)
        there = seen[number, lags:]
        big = np.isin(np.arange(1, ahead + 1), reported)
        axis.plot(after[there], truth[number][there], "D", ms=4, color=colour)
        axis.plot(
            after[there & big], truth[number][there & big], "D", ms=9, color=colour, mfc="none"
        )
    axis.set(title=title, xlabel="minutes from the newest input", ylabel=f"speed ({unit})")
    axis.set_xticks(np.arange(before[0] - minutes, after[-1] + 1, 3 * minutes))
    bare(axis)
    legend_below(fig, 5)
    return fig


def growth_figure(ours: pd.DataFrame, printed: pd.DataFrame, title: str) -> plt.Figure:
    """An error divided by its value at the first reported step: rows are steps, one column a
    reading (lines) or a printed row (black). Both indexed alike, by what the headings say."""
    fig, axis = plt.subplots(figsize=(7, 3.7), layout="constrained")
    at = np.arange(len(ours))
    marks = zip(ours.items(), SERIES[2:], MARKS, strict=False)
    for (name, values), colour, mark in marks:
        axis.plot(at, values, marker=mark, color=colour, label=name)
    for (name, values), dash in zip(printed.items(), ("--", ":"), strict=False):
        axis.plot(at, values, dash, marker="x", ms=8, mew=2, color="black", label=name)
    axis.set_xticks(at, ours.index)
    axis.set(title=title, xlabel="reported step, and the heading it has in Table 2",
             ylabel="times the first step's error")  # fmt: skip
    bare(axis)
    legend_above(axis)
    return fig


def horizons_figure(
    errors: Mapping[str, pd.DataFrame], units: Mapping[str, str], error: str
) -> plt.Figure:
    """One panel for each city: error against minutes ahead (index), one line for each rule."""
    fig, axes = _panels(len(errors), 2, (4.9, 3.1))
    for axis, (name, frame) in zip(axes, errors.items(), strict=True):
        at = np.arange(len(frame))
        for (rule, values), colour, mark in zip(frame.items(), SERIES, MARKS, strict=False):
            axis.plot(at, values, marker=mark, ms=6, color=colour, label=rule)
        axis.set_xticks(at, frame.index)
        axis.set(title=name, xlabel="minutes ahead", ylabel=f"{error} ({units[name]})")
        axis.set_ylim(0, None)
        bare(axis)
    legend_below(fig, 4)
    return fig


def forecast_figure(
    hours: np.ndarray,
    truth: np.ndarray,
    guesses: Mapping[str, np.ndarray],
    panels: Sequence[str],
    unit: str,
    title: str,
) -> plt.Figure:
    """What was measured, truth [P, T] with NaN in gaps, and forecasts [P, T] made before it.

    hours [T] of one day; one panel, named, for each of the P sensors.
    """  # fmt: skip
    fig, axes = _panels(len(truth), 1, (10, 2.3), sharex=True)
    for number, (axis, name) in enumerate(zip(axes, panels, strict=True)):
        axis.plot(hours, truth[number], color="black", lw=2.2, label="measured")
        for (rule, guess), colour in zip(guesses.items(), SERIES[2:], strict=False):
            axis.plot(hours, guess[number], color=colour, lw=1.3, label=rule)
        axis.set_title(name, fontsize=10.5, loc="left")
        axis.set(ylabel=f"speed ({unit})", xlim=(hours[0], hours[-1]))
        bare(axis)
    axes[-1].set(xlabel="hour of the day", xticks=range(0, 25, 3))
    fig.suptitle(title, fontsize=11)
    legend_below(fig, 4)
    return fig
