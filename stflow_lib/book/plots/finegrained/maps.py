"""Pictures of inferred maps: flows and errors side by side on one scale, and their curves.

Maps are [rows, cols] in vehicles per step, row 0 the north. A quantity is coloured by cividis, a
difference by PuOr; axes count fine cells, so that a place can be found again in every picture.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.patches import Rectangle

from stflow_lib.book.plots.style import BLUE, GREEN, INK, ORANGE, PURPLE, RED, legend_above

COLOURS = {
    "MEAN": "0.55", "HA": INK, "UrbanFM": BLUE, "UrbanPy": PURPLE, "FODE": GREEN, "UrbanSTC": RED,
    "ShareNet": ORANGE, "true split": GREEN,
}  # fmt: skip
SERIES = (BLUE, RED, GREEN)

Window = tuple[int, int, int]  # first row, first column, side, in fine cells


def binned_rmse(level: np.ndarray, error: np.ndarray, edges: np.ndarray) -> pd.Series:
    """RMSE of the errors whose level lies in [edge, next edge), by the mean level of the bin.

    level and error of equal shape; bins without members are left out.
    """
    level, error = level.ravel(), error.ravel()
    place = np.digitize(level, edges) - 1
    bins = [k for k in range(len(edges) - 1) if (place == k).any()]
    at = [level[place == k].mean() for k in bins]
    return pd.Series([np.sqrt((error[place == k] ** 2).mean()) for k in bins], at)


def _panels(maps: int, columns: int, shape: tuple[int, int], side: float = 3.6, bars: int = 1):
    """A figure of map panels with shared axes, room for `bars`; its axes as a flat list."""
    columns, (rows, cols) = min(columns, maps), shape
    lines = -(-maps // columns)
    width = side * max(cols / rows, 0.55)
    fig, axes = plt.subplots(
        lines, columns, figsize=(columns * width + 1.1 * bars + 0.3, lines * (side + 0.3) + 0.7),
        layout="constrained", squeeze=False, sharex=True, sharey=True,
    )  # fmt: skip
    for axis in axes[-1]:
        axis.set_xlabel("column (fine cells)")
    for axis in axes[:, 0]:
        axis.set_ylabel("row (fine cells)")
    for axis in axes.ravel()[maps:]:
        axis.set_axis_off()
    return fig, list(axes.ravel()[:maps])


def _draw(axis, values, title: str, norm: Normalize, shape, cmap: str = "cividis"):
    """One map over the whole city; a coarse map is stretched over the fine cells."""
    rows, cols = shape
    extent = (-0.5, cols - 0.5, rows - 0.5, -0.5)
    axis.set_title(title, fontsize=10.5)
    axis.locator_params(nbins=5, integer=True)
    return axis.imshow(values, cmap=cmap, norm=norm, extent=extent, interpolation="nearest")


def _windows(axis, windows: dict[str, Window]) -> None:
    for name, (row, col, side) in windows.items():
        box = (col - 0.5, row - 0.5)
        axis.add_patch(Rectangle(box, side, side, fill=False, edgecolor=RED, lw=1.6))
        axis.text(col, row, name.split()[0], color="white", fontsize=8.5, weight="bold", va="top",
                  bbox={"facecolor": RED, "lw": 0, "pad": 1.2})  # fmt: skip


def pair_figure(coarse: np.ndarray, fine: np.ndarray, unit: str, title: str) -> plt.Figure:
    """What is counted and what is wanted (UrbanSTC Fig. 1); equal colours are equal densities."""
    factor = len(fine) // len(coarse)
    fig, axes = _panels(2, 2, fine.shape, side=4.0, bars=2)
    for axis, values, cells, name in (
        (axes[0], coarse, factor**2, "coarse: counted"),
        (axes[1], fine, 1, "fine: wanted"),
    ):
        norm = PowerNorm(0.5, 0, fine.max() * cells)
        rows, cols = values.shape
        image = _draw(axis, values, f"{name}, {rows} x {cols} cells", norm, fine.shape)
        fig.colorbar(image, ax=axis, label=unit, shrink=0.85)
    for line in range(factor, len(fine), factor):
        axes[1].axhline(line - 0.5, color="white", alpha=0.2, lw=0.6)
    for line in range(factor, fine.shape[1], factor):
        axes[1].axvline(line - 0.5, color="white", alpha=0.2, lw=0.6)
    fig.suptitle(title, fontsize=11.5)
    return fig


def flows_figure(
    maps: dict[str, np.ndarray], unit: str, title: str, windows: dict[str, Window] | None = None
) -> plt.Figure:
    """Maps of flow on one colour scale (Figs. 11 and 12); the second carries the windows."""
    shape = max((values.shape for values in maps.values()), key=np.prod)
    fig, axes = _panels(len(maps), 3, shape)
    norm = PowerNorm(0.5, 0, max(values.max() for values in maps.values()))
    for axis, (name, values) in zip(axes, maps.items(), strict=True):
        image = _draw(axis, values, name, norm, shape)
    _windows(axes[1], windows or {})
    fig.colorbar(image, ax=axes, label=unit, shrink=0.7)
    fig.suptitle(title, fontsize=11.5)
    return fig


def errors_figure(
    errors: dict[str, np.ndarray],
    unit: str,
    title: str,
    windows: dict[str, Window] | None = None,
) -> plt.Figure:
    """Maps of |inferred - true| on one scale, brighter is worse, with each map's mean."""
    first = next(iter(errors.values()))
    fig, axes = _panels(len(errors), 2 if len(errors) == 4 else 3, first.shape, side=3.4)
    top = max(np.quantile(values, 0.998) for values in errors.values())
    for axis, (name, values) in zip(axes, errors.items(), strict=True):
        label = f"{name}: mean {values.mean():.2f}"
        image = _draw(axis, values, label, PowerNorm(0.5, 0, top), first.shape)
        _windows(axis, windows or {})
    fig.colorbar(image, ax=axes, label=f"|error| ({unit})", shrink=0.7, extend="max")
    fig.suptitle(title, fontsize=11.5)
    return fig


def zooms_figure(
    truth: np.ndarray,
    errors: dict[str, np.ndarray],
    windows: dict[str, Window],
    unit: str,
    title: str,
) -> plt.Figure:
    """The windows enlarged, a row each: true flow, then every method's |error| (Fig. 12)."""
    fig, axes = plt.subplots(len(windows), 1 + len(errors), squeeze=False, layout="constrained",
                             figsize=(2.2 * (1 + len(errors)) + 1, 2.2 * len(windows)))  # fmt: skip
    cut = {name: (slice(r, r + s), slice(c, c + s)) for name, (r, c, s) in windows.items()}
    flow = PowerNorm(0.5, 0, max(truth[part].max() for part in cut.values()))
    top = max(values[part].max() for values in errors.values() for part in cut.values())
    for line, (name, part) in zip(axes, cut.items(), strict=True):
        row, col, side = windows[name]
        extent = (col - 0.5, col + side - 0.5, row + side - 0.5, row - 0.5)
        true = line[0].imshow(truth[part], cmap="cividis", norm=flow, extent=extent)
        line[0].set(title="true flow", ylabel=f"{name}\nrow")
        for axis, (method, values) in zip(line[1:], errors.items(), strict=True):
            wrong = axis.imshow(values[part], cmap="cividis", norm=PowerNorm(0.5, 0, top),
                                extent=extent)  # fmt: skip
            axis.set_title(f"{method}: {values[part].mean():.2f}")
        for axis in line:
            axis.set(xlabel="column" if axis in axes[-1] else "")
            axis.locator_params(nbins=4, integer=True)
            axis.title.set_fontsize(10)
    fig.colorbar(true, ax=axes[:, :1], location="left", label=f"flow ({unit})", shrink=0.8)
    fig.colorbar(wrong, ax=axes[:, 1:], label=f"|error| ({unit})", shrink=0.8)
    fig.suptitle(f"{title}: |error| with its mean over the square", fontsize=11.5)
    return fig


def gains_figure(gains: dict[str, np.ndarray], unit: str, title: str) -> plt.Figure:
    """Differences of error maps on one scale: purple where the second method is better."""
    first = next(iter(gains.values()))
    fig, axes = _panels(len(gains), 3, first.shape)
    most = max(np.quantile(np.abs(values), 0.995) for values in gains.values()) or 1.0
    for axis, (name, values) in zip(axes, gains.items(), strict=True):
        image = _draw(axis, values, name, Normalize(-most, most), first.shape, "PuOr")
    fig.colorbar(image, ax=axes, label=f"difference ({unit})", shrink=0.7, extend="both")
    fig.suptitle(title, fontsize=11.5)
    return fig


def honesty_figure(
    by_level: dict[str, pd.Series], honest: dict[str, pd.Series], unit: str
) -> plt.Figure:
    """RMSE by the flow of the block, and mean true over mean inferred flow by what was said."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    curve_panel(left, by_level, title="error by flow of the block", xscale="log", yscale="log",
                xlabel=f"coarse flow of the block ({unit})",
                ylabel=f"RMSE of a fine cell ({unit})")  # fmt: skip
    right.axhline(1, color="0.8", lw=1)
    curve_panel(right, honest, title="what happens when a method says so much", xscale="log",
                xlabel=f"inferred flow ({unit})", ylabel="true / inferred")  # fmt: skip
    return fig


def cut_rows(figure: plt.Figure, flow: np.ndarray, size: tuple[float, float]) -> None:
    """Show only the rows that hold 99 % of the flow, and two more on either side."""
    below = np.cumsum(flow.sum(1)) / flow.sum()
    rows = np.flatnonzero((below >= 0.005) & (below <= 0.995))
    figure.axes[0].set_ylim(min(rows[-1] + 2, len(flow)) - 0.5, max(rows[0] - 2, 0) - 0.5)
    figure.set_size_inches(*size)


def memory_figure(given: np.ndarray, shares: np.ndarray, title: str) -> plt.Figure:
    """What a rule of fixed shares gives each block in all, and each cell of it; zeros grey."""
    fig, axes = _panels(2, 2, shares.shape, side=3.8, bars=2)
    logarithmic = LogNorm(max(shares[shares > 0].min(), 1e-3), shares.max())
    for axis, values, norm, name, label, end in (
        (axes[0], given, Normalize(0, 1), "a block gets", "sum of its shares", "neither"),
        (axes[1], shares, logarithmic, "a cell gets", "share of its block", "min"),
    ):
        axis.set_facecolor("0.88")
        image = _draw(axis, np.ma.masked_less_equal(values, 0), name, norm, shares.shape)
        fig.colorbar(image, ax=axis, label=label, shrink=0.85, extend=end)
    fig.suptitle(title, fontsize=11.5)
    return fig


def curve_panel(axis, curves: dict[str, pd.Series], **labels) -> None:
    """Curves over their index, methods in their own colours; `labels` go to `axis.set`."""
    spare = iter(SERIES)
    for name, curve in curves.items():
        color = COLOURS.get(name) or next(spare)
        axis.plot(curve.index, curve.values, "-o", ms=3, color=color, label=name)
    axis.set(**labels)
    legend_above(axis)
