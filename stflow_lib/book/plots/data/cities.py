"""Pictures of cities: where the flow is, when it is, how sensors hang together.

Each function takes a checked city (see stflow_lib.data.schema) and returns a Matplotlib figure.
Colour carries the quantity only through cividis, which all readers can tell apart.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, PowerNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from stflow_lib.book.plots.style import legend_above

WEEKDAY, WEEKEND = "#0072B2", "#D55E00"  # Okabe and Ito's blue and vermilion
BLANK = "0.85"  # cells and readings of which nothing is known


def city_figure(city: xr.Dataset) -> plt.Figure:
    """Map, day rhythm and whole record of one city, side by side."""
    fig, axes = plt.subplots(1, 3, figsize=(12, 3.9), width_ratios=(1.25, 1, 1.3),
                             layout="constrained")  # fmt: skip
    if city.attrs["kind"] == "grid":
        flow_map(city, axes[0])
        flow_record(city, axes[2])
    else:
        sensor_graph(city, axes[0])
        speed_week(city, axes[2])
    day_rhythm(city, axes[1])
    fig.suptitle(f"{city.attrs['name']}: {_subtitle(city)}", fontsize=11)
    return fig


def _subtitle(city) -> str:
    first, last = (f"{pd.Timestamp(t):%Y-%m-%d}" for t in city.time.values[[0, -1]])
    steps = f"{city.sizes['time']:,} steps of {city.attrs['step_minutes']} min"
    span = "nominal calendar" if _nominal(city) else f"{first} to {last}"
    return f"{steps}, {span}"


def _nominal(city) -> bool:
    return city.attrs["zone"] == "nominal"


def total(city: xr.Dataset) -> xr.DataArray:
    """The city as one series (time): flow summed over cells, or speed averaged over sensors."""
    if city.attrs["kind"] == "grid":
        return city["flow"].sum(("direction", "row", "col"), dtype="f8")
    return city["speed"].mean("node")


def flow_map(city: xr.Dataset, axis: plt.Axes):
    """Mean flow of each cell (all directions), log colours; cells without any flow are grey."""
    mean = city["flow"].mean("time").sum("direction").values
    shown = np.ma.masked_less_equal(mean, 0)
    low = max(float(np.quantile(mean[mean > 0], 0.05)), mean.max() / 1e4)
    side = city.attrs.get("cell_m", 0) / 1000
    extent = (0, mean.shape[1] * side, 0, mean.shape[0] * side) if side else None
    axis.set_facecolor(BLANK)
    image = axis.imshow(shown, norm=LogNorm(low, mean.max()), cmap="cividis", extent=extent)
    unit = "km" if side else "cells"
    axis.set(title="mean flow of a cell", xlabel=f"east ({unit})", ylabel=f"north ({unit})")
    if not side:
        axis.set(xlabel="column (cells)", ylabel="row (cells)")
    plt.colorbar(image, ax=axis, label=city.attrs["unit"], shrink=0.85, extend="min")


def day_rhythm(city: xr.Dataset, axis: plt.Axes):
    """Mean day of the whole city, weekdays against weekends, band from 10 to 90 % of days."""
    step = city.attrs["step_minutes"]
    series = total(city).to_series().resample(f"{max(step, 30)}min").mean()
    hour = series.index.hour + series.index.minute / 60
    weekend = series.index.dayofweek >= 5
    for part, color, label in ((~weekend, WEEKDAY, "Mon-Fri"), (weekend, WEEKEND, "Sat, Sun")):
        days = series[part].groupby(hour[part])
        if not part.any():
            continue
        low, high = days.quantile(0.1), days.quantile(0.9)
        axis.fill_between(low.index, low, high, color=color, alpha=0.18, lw=0)
        axis.plot(days.mean(), color=color, label=label)
    what = "flow in the whole city" if city.attrs["kind"] == "grid" else "mean speed"
    clock = "hour of a nominal day" if _nominal(city) else "hour of the day (local)"
    axis.set(title="rhythm of the day", xlabel=clock, ylabel=f"{what} ({city.attrs['unit']})")
    axis.set(xticks=range(0, 25, 6), xlim=(0, 24))
    axis.yaxis.set_major_formatter("{x:,.0f}")
    legend_above(axis)


def flow_record(city: xr.Dataset, axis: plt.Axes):
    """Flow of each day over the whole record; the first and last day may be cut."""
    days = total(city).to_series().resample("D").sum()
    steps = total(city).to_series().resample("D").count()
    whole = steps == 1440 // city.attrs["step_minutes"]
    axis.plot(days[whole] / 1000, color="0.25", marker=".", ms=3, lw=1)
    weekend = whole & (days.index.dayofweek >= 5)
    axis.plot(days[weekend] / 1000, ls="", marker="o", ms=4, color=WEEKEND, label="Sat, Sun")
    unit = city.attrs["unit"].split(" per ")[0]
    axis.set(title="whole days of the record", ylabel=f"thousand {unit} a day", ylim=(0, None))
    axis.set_xlabel("nominal date" if _nominal(city) else "date")
    legend_above(axis)
    _few_dates(axis)


def _few_dates(axis):
    locator = AutoDateLocator(maxticks=5)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def sensor_graph(city: xr.Dataset, axis: plt.Axes):
    """Sensors at their places, coloured by mean speed; lines join those with an edge."""
    lon, lat = city["lon"].values, city["lat"].values
    if np.isnan(lat).all():
        axis.text(0.5, 0.5, "the source gives no places", ha="center", va="center")
        axis.set_axis_off()
        return
    weight = np.triu(np.maximum(city["adjacency"].values, city["adjacency"].values.T), 1)
    start, end = np.nonzero(weight)
    lines = np.stack([np.c_[lon[start], lat[start]], np.c_[lon[end], lat[end]]], axis=1)
    axis.add_collection(LineCollection(lines, color="0.6", lw=0.2 + weight[start, end]))
    points = axis.scatter(lon, lat, c=city["speed"].mean("time"), s=16, cmap="cividis",
                          zorder=3, edgecolor="white", linewidth=0.3)  # fmt: skip
    axis.set_aspect(1 / np.cos(np.radians(lat.mean())))
    axis.set(title=f"{len(lat)} sensors, {len(start):,} links", xlabel="longitude (°)",
             ylabel="latitude (°)")  # fmt: skip
    axis.set_xticks(np.round([lon.min(), lon.max()], 1 if np.ptp(lon) > 0.2 else 2))
    axis.locator_params("y", nbins=6)
    plt.colorbar(points, ax=axis, label=f"mean speed ({city.attrs['unit']})", shrink=0.85)


def speed_week(city: xr.Dataset, axis: plt.Axes):
    """The first seven whole days, sensors from fast to slow; missing readings light grey."""
    first = pd.Timestamp(city.time.values[0]).ceil("D")
    last = first + pd.Timedelta("7D") - pd.Timedelta("1s")
    order = np.argsort(-city["speed"].mean("time").values)
    week = city["speed"].sel(time=slice(first, last)).values[:, order]
    top = float(np.nanquantile(week, 0.99))
    days = len(week) * city.attrs["step_minutes"] / 1440
    axis.set_facecolor(BLANK)
    image = axis.imshow(np.ma.masked_invalid(week.T), aspect="auto", cmap="cividis", vmin=0,
                        vmax=top, extent=(0, days, len(order), 0),
                        interpolation="nearest")  # fmt: skip
    missing = float(city["speed"].isnull().mean())
    axis.set(title=f"one week ({missing:.1%} of the record missing)", xticks=range(8))
    axis.set(xlabel=f"days from {first:%a %Y-%m-%d}", ylabel="sensor, fast to slow")
    plt.colorbar(image, ax=axis, label=f"speed ({city.attrs['unit']})", shrink=0.85,
                 extend="max")  # fmt: skip


def week_profile(city: xr.Dataset) -> np.ndarray:
    """Mean of the city's series in each of the 168 hours of the week, over its mean [168].

    Hours of the week that the record does not hold are NaN.
    """
    series = total(city).to_series()
    hour = series.index.dayofweek * 24 + series.index.hour
    return (series.groupby(hour).mean().reindex(range(168)) / series.mean()).to_numpy()


def week_rhythms(cities: dict[str, xr.Dataset]) -> plt.Figure:
    """All cities' weeks as rows: each hour against the city's own mean, flows above speeds."""
    groups = [
        (
            kind,
            {name: city for name, city in cities.items() if city.attrs["kind"] == kind},
            span,
        )
        for kind, span in (("grid", 4), ("graph", 1.25))
    ]
    groups = [group for group in groups if group[1]]
    sizes = [len(group[1]) for group in groups]
    fig, axes = plt.subplots(len(groups), figsize=(12, 1.6 * len(groups) + 0.3 * sum(sizes)),
                             height_ratios=[size + 2 for size in sizes], squeeze=False,
                             layout="constrained")  # fmt: skip
    for axis, (kind, group, span) in zip(axes[:, 0], groups, strict=True):
        what = "flow" if kind == "grid" else "speed"
        _week_rows(np.stack([week_profile(c) for c in group.values()]), list(group), span, axis)
        axis.set_title(f"{what} in each hour of the week, against the city's own mean")
    axes[-1, 0].set_xlabel("hour of the week (Monday to Sunday; simulated cities: nominal)")
    return fig


def _week_rows(rows: np.ndarray, names: list[str], span: float, axis: plt.Axes):
    """One panel: ratios on a log scale from 1 / span to span, purple below, orange above."""
    edge = np.log2(span)
    shown = np.log2(np.clip(rows, 1 / span, span))
    axis.set_facecolor(BLANK)
    image = axis.imshow(np.ma.masked_invalid(shown), aspect="auto", cmap="PuOr_r", vmin=-edge,
                        vmax=edge, interpolation="nearest")  # fmt: skip
    axis.set_yticks(range(len(names)), names)
    weekdays = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    axis.set_xticks(np.arange(0, 168, 24) - 0.5, weekdays, ha="left")
    for day in range(24, 168, 24):
        axis.axvline(day - 0.5, color="white", lw=1)
    bar = plt.colorbar(image, ax=axis, label="times the mean", ticks=[-edge, 0, edge],
                       extend="both")  # fmt: skip
    bar.ax.set_yticklabels([f"{1 / span:g}", "1", f"{span:g}"])


def poi_maps(city: xr.Dataset) -> plt.Figure:
    """One small map per POI group, counts on a square-root scale of its own maximum."""
    groups = city["poi"]["category"].values
    rows, cols = 2, -(-len(groups) // 2)
    fig, axes = plt.subplots(rows, cols, figsize=(12, 5), layout="constrained")
    for axis, group in zip(axes.flat, groups, strict=False):
        counts = city["poi"].sel(category=group)
        top = max(float(counts.max()), 1)
        shown = np.ma.masked_equal(counts.values, 0)
        image = axis.imshow(shown, cmap="cividis", norm=PowerNorm(0.5, 0, top))
        axis.set_facecolor(BLANK)
        axis.set(title=f"{group} ({int(counts.sum())})", xticks=[], yticks=[])
    for axis in axes.flat[len(groups) :]:
        axis.set_axis_off()
    bar = fig.colorbar(image, ax=axes, shrink=0.6, ticks=[0, top],
                       label="places in a cell (root scale; top: largest of the group)"
                       )  # fmt: skip
    bar.ax.set_yticklabels(["0", "most"])
    fig.suptitle(f"{city.attrs['name']}: places of each group (number on the map)", fontsize=11)
    return fig
