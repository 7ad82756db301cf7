"""Pictures of simulated grids: land use, rhythms, gravity, roads, splits, noise and weather."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm, PowerNorm

from stflow_lib.book.plots.style import legend_above
from stflow_lib.data.rasterize.poi import GROUPS
from stflow_lib.data.simulate import TYPES
from stflow_lib.data.simulate.landuse import poi_mix
from stflow_lib.data.simulate.purposes import PURPOSES, WAYS, rhythm

COLOURS = ("#E69F00", "#0072B2", "#CC79A7", "#D55E00", "#8C8C8C", "#009E73", "#C7E5F5")
LAND = ListedColormap(COLOURS)
LAND_NORM = BoundaryNorm(np.arange(-0.5, 7.5), 7)


def type_axis(axis: plt.Axes, types: np.ndarray, title: str):
    """One map of land use; returns the image for `type_bar`."""
    axis.set(title=title, xticks=[], yticks=[])
    return axis.imshow(types, cmap=LAND, norm=LAND_NORM)


def type_bar(fig: plt.Figure, image, axes):
    """The colour key of land use beside `axes`."""
    bar = fig.colorbar(image, ax=axes, ticks=range(len(TYPES)), shrink=0.9)
    bar.ax.set_yticklabels(TYPES)
    bar.ax.tick_params(length=0)


def land_figure(truth: xr.Dataset) -> plt.Figure:
    """Map of land use, and what kinds of places each use holds."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=(1, 1.25),
                                      layout="constrained")  # fmt: skip
    rows, cols = truth["type"].shape
    type_bar(fig, type_axis(left, truth["type"], f"land use, {rows} x {cols} cells"), left)
    image = right.imshow(
        100 * poi_mix()[:6], cmap="cividis", aspect="auto", norm=PowerNorm(0.5)
    )
    right.set(title="places expected in each land use", xlabel="group of places")
    right.set_xticks(range(len(GROUPS)), GROUPS, rotation=45, ha="right")
    right.set_yticks(range(6), TYPES[:6])
    fig.colorbar(image, ax=right, label="% of the places there", shrink=0.9)
    return fig


def rhythm_figure() -> plt.Figure:
    """Volume of every purpose over a working day and a free day, out and back."""
    fig, axes = plt.subplots(1, len(PURPOSES), figsize=(12, 2.8), sharey=True, sharex=True,
                             layout="constrained")  # fmt: skip
    hour = np.linspace(0, 24, 289)
    for axis, (name, purpose) in zip(axes, PURPOSES.items(), strict=True):
        for way, style in zip(WAYS, ("-", "--"), strict=True):
            for day, colour in zip((0, 1), ("#0072B2", "#D55E00"), strict=True):
                curve = purpose.volume * rhythm(getattr(purpose, way)[day], hour)
                label = f"{('working', 'free')[day]} day, {way}"
                axis.plot(hour, curve, style, color=colour, label=label)
        axis.set(title=name, xlabel="hour of day", xticks=range(0, 25, 6))
    axes[0].set_ylabel("relative volume")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
               frameon=False)  # fmt: skip
    return fig


def gravity_figure(trips: np.ndarray, share: np.ndarray, distance_km, decay_km) -> plt.Figure:
    """Where the trips of one cell go [rows, cols], and T / (h a) against distance, per pair."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    image = left.imshow(trips, cmap="cividis", norm=PowerNorm(0.4))
    left.set(title="to work from the busiest home cell", xticks=[], yticks=[])
    fig.colorbar(image, ax=left, label="share of its trips (%)", shrink=0.9)
    right.semilogy(distance_km, share, ".", ms=3, color="#0072B2", label="simulated pairs")
    line = np.linspace(0, distance_km.max(), 50)
    right.plot(
        line, np.exp(-line / decay_km), color="#D55E00", label=f"exp(-d / {decay_km:g} km)"
    )
    right.set(title="what distance costs", xlabel="distance d (km)", ylabel="T / (h a)")
    right.set_yticks([1, 0.5, 0.25], ["1", "0.5", "0.25"])
    right.minorticks_off()
    legend_above(right)
    return fig


def roads_figure(truth: xr.Dataset) -> plt.Figure:
    """The three ranks of roads."""
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained")
    for axis, rank in zip(axes, ("street", "avenue", "motorway"), strict=True):
        image = axis.imshow(truth[rank], cmap="Greys", vmin=0, vmax=1)
        axis.set(title=f"{rank}s", xticks=[], yticks=[])
    fig.colorbar(image, ax=axes, label="road weight of a cell", shrink=0.9)
    return fig


def hours_figure(
    maps: dict[str, np.ndarray], change: np.ndarray, factor: int, unit: str
) -> plt.Figure:
    """Two fine maps [rows, cols] under one scale, and the change of shares of blocks (%)."""
    fig, axes = plt.subplots(1, 3, figsize=(12.5, 3.9), layout="constrained")
    norm = LogNorm(1, max(values.max() for values in maps.values()))
    for axis, (title, values) in zip(axes, maps.items(), strict=False):
        image = axis.imshow(np.ma.masked_equal(values, 0), cmap="cividis", norm=norm)
        axis.set(title=title)
    fig.colorbar(image, ax=axes[:2], label=unit, shrink=0.9, extend="min")
    most = np.abs(change).max()
    image = axes[2].imshow(change, cmap="PuOr", vmin=-most, vmax=most)
    axes[2].set(title="share of its block, second minus first")
    fig.colorbar(image, ax=axes[2], label="percentage points", shrink=0.9)
    for axis in axes:
        axis.set(xticks=[], yticks=[], facecolor="0.88")
        for line in range(factor, len(change), factor):
            axis.axhline(line - 0.5, color="0.6", lw=0.4)
            axis.axvline(line - 0.5, color="0.6", lw=0.4)
    return fig


def split_figure(split: np.ndarray, types: np.ndarray, hour: np.ndarray) -> plt.Figure:
    """Share of each fine cell of one block over a day: split [steps, M, M], types [M, M]."""
    fig, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    order = np.argsort(types.ravel(), kind="stable")
    colours = [COLOURS[t] for t in types.ravel()[order]]
    parts = 100 * split.reshape(len(split), -1).T[order]
    axis.stackplot(hour, parts, colors=colours, edgecolor="white", linewidth=0.4)
    axis.set(title="one coarse cell over a day: each band is a fine cell",
             xlabel="hour of day", ylabel="share of the block (%)", ylim=(0, 100),
             xlim=(0, 23.5), xticks=range(0, 24, 3))  # fmt: skip
    for k in np.unique(types):
        axis.fill_between([], [], color=COLOURS[k], label=TYPES[k])
    legend_above(axis)
    return fig


def noise_figure(rate: np.ndarray, count: np.ndarray, unit: str) -> plt.Figure:
    """Variance of counts around their rates, in groups of equal rate; Poisson means 1:1."""
    order = np.argsort(rate, kind="stable")
    groups = np.array_split(order[rate[order] > 0.05], 40)
    mean = [rate[g].mean() for g in groups]
    variance = [((count[g] - rate[g]) ** 2).mean() for g in groups]
    fig, axis = plt.subplots(figsize=(4.6, 3.8), layout="constrained")
    axis.loglog(mean, mean, color="#D55E00", label="variance = mean")
    axis.loglog(mean, variance, "o", ms=4, color="#0072B2", label="cells of equal rate")
    axis.set(title="counting noise", xlabel=f"expected rate ({unit})",
             ylabel="variance around the rate")  # fmt: skip
    legend_above(axis)
    return fig


def sky_figure(city: xr.Dataset, truth: xr.Dataset) -> plt.Figure:
    """Temperature, wetness and holidays above the city's total flow."""
    fig, (top, mid, low) = plt.subplots(
        3, 1, figsize=(10, 5), sharex=True, height_ratios=(1, 0.7, 1.4), layout="constrained"
    )
    external = city["external"]
    top.plot(city.time, external.sel(factor="temperature"), color="#D55E00")
    mid.fill_between(city.time, truth["wetness"], color="#56B4E9", lw=0)
    low.plot(city.time, city.flow.sum(("direction", "row", "col")) / 1000, color="0.2", lw=1)
    top.set(title="weather, holidays and what they do", ylabel="temperature (°C)")
    mid.set(ylabel="wetness")
    low.set(ylabel=f"city (thousand\n{city.attrs['unit']})", xlabel="local time")
    for name, colour in (("holiday", "#CC79A7"), ("weekend", "0.8")):
        on = external.sel(factor=name).values > 0
        low.fill_between(city.time, 0, 1, where=on, transform=low.get_xaxis_transform(),
                         color=colour, alpha=0.45, lw=0, label=name)  # fmt: skip
    legend_above(low)
    low.xaxis.set_major_formatter(lambda x, _: f"{np.datetime64(int(x), 'D').item():%a %d %b}")
    return fig


def cities_figure(truths: dict[str, xr.Dataset]) -> plt.Figure:
    """Land-use maps of several cities above their shares."""
    fig, axes = plt.subplots(2, len(truths), figsize=(10, 5.4), height_ratios=(1.5, 1),
                             layout="constrained")  # fmt: skip
    for (name, truth), axis, bars in zip(truths.items(), *axes, strict=True):
        type_axis(axis, truth["type"], name)
        share = 100 * np.bincount(truth["type"].values.ravel(), minlength=7)[:6]
        bars.bar(TYPES[:6], share / truth["type"].size, color=COLOURS[:6])
        bars.set(ylim=(0, 50), ylabel="share of regions (%)")
        bars.tick_params(axis="x", rotation=40)
    return fig


def working_day(city: xr.Dataset, truth: xr.Dataset) -> np.ndarray:
    """Mean pick-ups of each land use at each hour of working days, [6, 24]; NaN where none."""
    free = city.external.sel(factor=["weekend", "holiday"]).any("factor").values
    hour, pickups = city.time.dt.hour.values, city.flow.values[:, 0]
    mean = np.array([pickups[~free & (hour == h)].mean(0) for h in range(24)])
    return np.array([mean[:, truth["type"].values == k].mean(1) for k in range(6)])


def type_rhythm_figure(curves: dict[str, np.ndarray], unit: str) -> plt.Figure:
    """Pick-ups of each land use over a working day, one line per city: {city: [type, hour]}."""
    fig, axes = plt.subplots(1, 6, figsize=(12, 2.7), sharex=True, layout="constrained")
    for k, axis in enumerate(axes):
        for (name, values), style in zip(curves.items(), ("-", "--", ":"), strict=True):
            axis.plot(values[k], style, color=COLOURS[k], label=name, lw=1.8)
        axis.set(title=TYPES[k], xlabel="hour of day", xticks=range(0, 25, 6), ylim=(0, None))
    axes[0].set_ylabel(f"pick-ups ({unit})")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return fig
