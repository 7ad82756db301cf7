"""Pictures on the way from GPS fixes to flow maps: tracks, walks through cells, maps, noise.

A quantity is coloured by cividis, a balance by PuOr; row 0 of a map is the north.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from stflow_lib.book.plots.style import legend_above
from stflow_lib.data.schema import block_sum

BUSY, FREE = "#D55E00", "#0072B2"  # with a passenger, without: Okabe and Ito's vermilion, blue
BLANK = "0.88"  # cells in which nothing was counted


def map_axis(axis, box, title):
    """Degrees on both axes of a map, drawn without stretching, few ticks."""
    axis.set(title=title, xlabel="longitude (°)", ylabel="latitude (°)")
    axis.set(xlim=(box.lon_min, box.lon_max), ylim=(box.lat_min, box.lat_max))
    axis.set_aspect(1 / np.cos(np.radians((box.lat_min + box.lat_max) / 2)))
    axis.locator_params(nbins=4)
    axis.ticklabel_format(useOffset=False)


def log_map(axis, values, box, title, label):
    """One map [R, C] in log colours, zeros grey, with its colour bar."""
    low = max(float(np.quantile(values[values > 0], 0.05)), values.max() / 1e4)
    axis.set_facecolor(BLANK)
    extent = (box.lon_min, box.lon_max, box.lat_min, box.lat_max)
    image = axis.imshow(
        np.ma.masked_less_equal(values, 0), norm=LogNorm(low, values.max()), cmap="cividis",
        extent=extent, interpolation="nearest",
    )  # fmt: skip
    map_axis(axis, box, title)
    plt.colorbar(image, ax=axis, label=label, shrink=0.8, extend="min")


def maps_figure(maps: dict, box, label: str) -> plt.Figure:
    """Maps {title: values [R, C]} side by side, each in its own log colours."""
    fig, axes = plt.subplots(1, len(maps), figsize=(4.6 * len(maps), 3.8), layout="constrained")
    for axis, (title, values) in zip(np.atleast_1d(axes), maps.items(), strict=True):
        log_map(axis, np.asarray(values, float), box, title, label)
    return fig


def fixes_figure(fixes, one, box, title: str) -> plt.Figure:
    """All fixes as a density of 300 x 300 bins, beside one stretch `one` of a single taxi."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    edges = (
        np.linspace(box.lat_max, box.lat_min, 301),
        np.linspace(box.lon_min, box.lon_max, 301),
    )
    bins = [np.sort(edge) for edge in edges]
    density, _, _ = np.histogram2d(fixes.lat / 1e5, fixes.lon / 1e5, bins=bins)
    log_map(left, density[::-1], box, f"{len(fixes):,} fixes", "fixes per bin")
    lat, lon = one.lat / 1e5, one.lon / 1e5
    right.plot(lon, lat, color="0.75", lw=0.8, zorder=1)
    for flag, color, label in ((True, BUSY, "with a passenger"), (False, FREE, "free")):
        at = one.occupied == flag
        right.scatter(lon[at], lat[at], s=9, color=color, label=label, zorder=2)
    map_axis(right, box, title)
    legend_above(right)
    return fig


def gaps_and_speeds(fixes) -> tuple[np.ndarray, np.ndarray]:
    """Seconds [P] and straight-line km/h [P] between neighbouring fixes of the same taxi."""
    same = fixes.taxi[1:] == fixes.taxi[:-1]
    gap = np.diff(fixes.time)[same]
    north = np.diff(fixes.lat)[same] * 1.11195
    middle = np.radians((fixes.lat[1:] + fixes.lat[:-1])[same] / 2e5)
    east = np.diff(fixes.lon)[same] * 1.11195 * np.cos(middle)
    return gap, np.hypot(north, east) / gap * 3.6


def pairs_figure(gap, kmh, max_gap_s, max_kmh) -> plt.Figure:
    """Histograms of all gaps [s], and of the speeds [km/h] of pairs near enough in time."""
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    near = kmh[gap <= max_gap_s]
    drawn = [(gap, np.geomspace(1, 1e5, 80), max_gap_s, "gap between two fixes (s)"),
             (near, np.linspace(0, 200, 80), max_kmh, "speed of the line (km/h)")]  # fmt: skip
    for axis, (values, bins, limit, label) in zip(axes, drawn, strict=True):
        axis.hist(values, bins=bins, color=FREE)
        axis.axvline(limit, color=BUSY, lw=1.5)
        axis.text(
            limit, 0.93, f"  limit {limit:g}", color=BUSY, transform=axis.get_xaxis_transform()
        )
        axis.set(xlabel=label, ylabel="pairs of fixes", yscale="log")
    axes[0].set(xscale="log", title="apart in time")
    axes[1].set(title=f"speed of pairs at most {max_gap_s} s apart")
    return fig


def walk_figure(track, entries, rows, cols) -> plt.Figure:
    """A track through cells. track [N, 2]: points (north, east) in cells; entries: (north, east
    of the crossing, row from the south, col) in the order in which the cells are entered."""
    fig, axis = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    for _, _, row, col in entries:
        axis.add_patch(plt.Rectangle((col, row), 1, 1, color="#56B4E9", alpha=0.25, lw=0))
    axis.plot(track[:, 1], track[:, 0], "-o", color="0.25", ms=7, label="fixes and segments")
    points = np.array([entry[:2] for entry in entries], float)
    axis.scatter(points[:, 1], points[:, 0], s=42, color=BUSY, zorder=3, label="entries")
    for number, (north, east) in enumerate(points, 1):
        axis.annotate(
            f"{number}",
            (east, north),
            (0, 6),
            textcoords="offset points",
            color=BUSY,
            ha="center",
        )
    axis.set(xlim=(0, cols), ylim=(0, rows), xticks=range(cols + 1), yticks=range(rows + 1))
    axis.set(title="entries in the order driven", xlabel="east (cells)", ylabel="north (cells)")
    axis.set_aspect("equal")
    axis.grid(color="0.85")
    legend_above(axis)
    return fig


def sampling_figure(parts, share) -> plt.Figure:
    """Share of the exact entries [S] found when each segment is cut into `parts` [S] pieces."""
    fig, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    axis.plot(parts, share, "-o", color=FREE, label="sampled points")
    axis.axhline(1, color=BUSY, label="exact walk")
    axis.set_xscale("log", base=2)
    axis.set_xticks(parts, [f"{part:g}" for part in parts])
    axis.set(title="what sampling misses", xlabel="pieces per segment",
             ylabel="entries found / exact")  # fmt: skip
    axis.yaxis.set_major_formatter("{x:.0%}")
    legend_above(axis)
    return fig


def mean_day(time: pd.DatetimeIndex, counts: np.ndarray) -> pd.Series:
    """Mean sum of maps [T, R, C] by hour of the day, on the clock of `time`."""
    return pd.Series(counts.sum((1, 2)), time).groupby(time.hour + time.minute / 60).mean()


def clock_figure(days: dict) -> plt.Figure:
    """The mean day of the whole map under several clocks: {clock: Series by hour of day}."""
    fig, axis = plt.subplots(figsize=(7.4, 3.2), layout="constrained")
    for (clock, day), color, style in zip(
        days.items(), (BUSY, "0.45"), ("-", "--"), strict=True
    ):
        axis.plot(day.index, day / 1000, style, color=color, marker="o", ms=3, label=clock)
    axis.set(title="the mean day, by two clocks", xlabel="hour of the day", xlim=(0, 23.9))
    axis.set(ylabel="thousand entries a step", ylim=(0, None), xticks=range(0, 25, 3))
    legend_above(axis)
    return fig


def noise_share(counts: np.ndarray, factor: int = 4) -> float:
    """Binomial variance over the squared error of the best fixed split, both pooled.

    counts [T, R, C] of the fine map; the split is of `factor` x `factor` blocks.
    """
    coarse = block_sum(counts, factor)
    share = counts.sum(0) / np.maximum(_enlarged(coarse.sum(0), factor), 1)
    pairs = zip(counts, coarse, strict=True)
    error = sum(((y - _enlarged(x, factor) * share) ** 2).sum() for y, x in pairs)
    return (_enlarged(coarse.sum(0), factor) * share * (1 - share)).sum() / error


def _enlarged(x: np.ndarray, factor: int) -> np.ndarray:
    return x.repeat(factor, axis=-2).repeat(factor, axis=-1)


def mean_and_variance(time: pd.DatetimeIndex, counts: np.ndarray):
    """Mean and variance [R x C] of counts [T, R, C] at one time of day, pooled over the day.

    Weekdays and weekends apart; a time of day that comes once only is left out.
    """
    group = time.hour * 60 + time.minute + 1440 * (time.dayofweek >= 5)
    parts = [counts[group == at] for at in np.unique(group) if (group == at).sum() > 1]
    size = sum(len(part) for part in parts)
    return (
        sum(part.mean(0) * len(part) for part in parts).ravel() / size,
        sum(part.var(0, ddof=1) * len(part) for part in parts).ravel() / size,
    )


def noise_figure(mean, variance, shares: dict) -> plt.Figure:
    """Variance against mean of each cell [N], with the Poisson line; beside it the share of a
    fixed split's squared error that independent counting would explain, {map: share}."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    left.scatter(mean, variance, s=5, color=FREE, alpha=0.35, lw=0, rasterized=True)
    ends = np.array([mean.min(), mean.max()])
    left.plot(ends, ends, color=BUSY, label="Poisson: variance = mean")
    left.set(xscale="log", yscale="log", title="a cell at the same hour on different days",
             xlabel="mean (entries per step)", ylabel="variance")  # fmt: skip
    legend_above(left)
    bars = right.barh(list(shares), list(shares.values()), color=FREE)
    right.bar_label(bars, fmt="{:.0%}", padding=3)
    right.axvline(1, color=BUSY)
    widest = 1.15 * max(1, *shares.values())
    right.invert_yaxis()
    right.xaxis.set_major_formatter("{x:.0%}")
    right.set(title="how much of it is counting", xlim=(0, widest),
              xlabel="binomial floor over squared error of a fixed split")  # fmt: skip
    return fig


def rides_figure(pickups, dropoffs, box) -> plt.Figure:
    """Maps [R, C] of pick-ups, of drop-offs, and of their balance (dropoff - pickup) / sum."""
    fig, axes = plt.subplots(1, 3, figsize=(14, 3.9), layout="constrained")
    log_map(axes[0], pickups, box, f"{pickups.sum():,.0f} pick-ups", "pick-ups per cell")
    log_map(axes[1], dropoffs, box, f"{dropoffs.sum():,.0f} drop-offs", "drop-offs per cell")
    both = pickups + dropoffs
    balance = np.ma.masked_where(both < 20, (dropoffs - pickups) / np.maximum(both, 1))
    extent = (box.lon_min, box.lon_max, box.lat_min, box.lat_max)
    axes[2].set_facecolor(BLANK)
    image = axes[2].imshow(balance, cmap="PuOr", vmin=-1, vmax=1, extent=extent)
    map_axis(axes[2], box, "balance (cells with 20 ends or more)")
    plt.colorbar(image, ax=axes[2], shrink=0.8, label="(drop-offs - pick-ups) / both")
    return fig
