"""Pictures of TSJT's two parts: two gradients and what is kept of one, and prompts of nodes."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator

from stflow_lib.book.plots import style
from stflow_lib.book.plots.speedgraph.problem import places
from stflow_lib.book.plots.style import bare, legend_above, legend_below

SERIES = (style.INK, style.RED, style.BLUE, style.GREEN, style.ORANGE, style.PURPLE)
DASHES = ("-", "--", "-", "-.", ":", "--")
TARGET, SOURCE = style.BLUE, style.RED
Plane = Callable[[np.ndarray, np.ndarray], np.ndarray]


def toy_figure(
    losses: Mapping[str, Plane],
    paths: Mapping[str, np.ndarray],
    curves: Mapping[str, np.ndarray],
    arrows: Mapping[str, np.ndarray],
) -> plt.Figure:
    """Left: the parts of one step {name: [2]}; middle: ways [steps, 2] over the contours of two
    losses, target first; right: the target's loss along the ways."""  # fmt: skip
    fig, (left, middle, right) = plt.subplots(
        1, 3, figsize=(12.5, 4.3), width_ratios=(0.9, 1.2, 1), layout="constrained"
    )
    _arrows(left, arrows)
    both = np.concatenate([*paths.values()])
    low, high = both.min(0) - 0.4, both.max(0) + 0.4
    x, y = np.meshgrid(np.linspace(low[0], high[0], 160), np.linspace(low[1], high[1], 160))
    for (name, loss), colour in zip(losses.items(), (TARGET, SOURCE), strict=True):
        values = loss(x, y)
        levels = np.quantile(values, (0.01, 0.05, 0.15, 0.35, 0.65))
        middle.contour(x, y, values, levels, colors=colour, linewidths=0.7, alpha=0.7)
        at = np.unravel_index(values.argmin(), values.shape)
        middle.plot(x[at], y[at], "*", ms=14, color=colour, label=f"minimum of the {name}")
    for (name, path), colour, dash in zip(paths.items(), SERIES, DASHES, strict=False):
        middle.plot(*path.T, dash, color=colour, lw=1.8, label=name)
        middle.plot(*path[-1], "o", ms=6, color=colour)
        right.semilogy(curves[name], dash, color=colour, lw=1.6)
    middle.set(title="ways from one start", xlabel="θ₁", ylabel="θ₂")
    right.set(title="loss of the target on the way", xlabel="step", ylabel="target's loss")
    bare(right)
    legend_below(fig, 4)
    return fig


def _arrows(axis: plt.Axes, arrows: Mapping[str, np.ndarray]) -> None:
    colours = (TARGET, SOURCE, style.PURPLE, style.GREEN, style.INK)
    for (name, v), colour in zip(arrows.items(), colours, strict=False):
        axis.annotate("", v, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2})
        axis.annotate(name, v * 1.12, color=colour, ha="center", va="center", fontsize=11)
    ends = np.stack([np.zeros(2), *arrows.values()])
    reach = 0.25 * np.ptp(ends, axis=0).max()
    axis.set_xlim(ends[:, 0].min() - reach, ends[:, 0].max() + reach)
    axis.set_ylim(ends[:, 1].min() - reach, ends[:, 1].max() + reach)
    axis.set_aspect("equal")
    axis.set(title="one gradient and its parts", xlabel="θ₁", ylabel="θ₂")
    bare(axis)


def angles_figure(angles: np.ndarray, parts: Mapping[str, np.ndarray]) -> plt.Figure:
    """What a source of length 1 adds along and across the target's gradient, by their angle.

    parts: rule -> [A, 2]; angles [A] in degrees.
    """
    fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.6), layout="constrained", sharex=True)
    for (name, added), colour, dash in zip(parts.items(), SERIES, DASHES, strict=False):
        for axis, values in zip(axes, added.T, strict=True):
            axis.plot(angles, values, dash, color=colour, lw=2, label=name)
    for axis, way in zip(axes, ("along", "across"), strict=True):
        axis.axvline(90, color="0.6", lw=0.8)
        axis.set(title=f"{way} the target's gradient", xticks=range(0, 181, 45),
                 xlabel="angle between both gradients (°)")  # fmt: skip
        bare(axis)
    axes[0].set_ylabel("added by a source of length 1")
    legend_below(fig, len(parts))
    return fig


def spectrum_figure(
    spectra: Mapping[int, np.ndarray], counts: Sequence[int], cosines: Mapping[str, np.ndarray]
) -> plt.Figure:
    """Left: eigenvalues of the Gram matrix over their largest, one line for each K. Right: how
    much a prompt is its own input turned by nothing, by K."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.6), layout="constrained")
    shades = plt.get_cmap("cividis")(np.linspace(0, 0.9, len(spectra)))
    for (k, values), colour in zip(spectra.items(), shades, strict=True):
        left.plot(np.arange(1, len(values) + 1), values, color=colour, lw=2, label=f"K = {k}")
    left.set(title="directions that a prompt can take", xlabel="number of the eigenvalue of G",
             ylabel="eigenvalue over the largest")  # fmt: skip
    legend_above(left)
    for (name, values), colour, mark in zip(cosines.items(), SERIES[1:], "osD", strict=False):
        right.plot(counts, values, color=colour, marker=mark, ms=5, lw=1.6, label=name)
    right.set(title="how alike prompt and input are", xlabel="patterns in the bank, K",
              ylabel="cosine of P and Z", xscale="log", ylim=(-0.05, 1.05))  # fmt: skip
    right.set_xticks(counts, counts)
    right.minorticks_off()
    legend_above(right)
    for axis in (left, right):
        bare(axis)
    return fig


def graphs_side_by_side(graphs: Mapping[str, np.ndarray]) -> plt.Figure:
    """Weights [N, N] of some graphs on the same sensors, on one scale; zeros are white."""
    fig, axes = plt.subplots(1, len(graphs), figsize=(4.6 * len(graphs), 4.2),
                             layout="constrained", squeeze=False)  # fmt: skip
    top = max(np.quantile(w, 0.995) for w in graphs.values())
    for axis, (name, weights) in zip(axes[0], graphs.items(), strict=True):
        shown = np.ma.masked_less_equal(weights, 0)
        image = axis.imshow(shown, cmap="cividis", norm=PowerNorm(0.5, 0, top),
                            interpolation="nearest")  # fmt: skip
        axis.set(title=name, xlabel="gives (sensor)")
    axes[0, 0].set_ylabel("receives (sensor)")
    fig.colorbar(image, ax=axes, label="weight (root scale)", shrink=0.85, extend="max")
    return fig


def agreement_figure(cosines: pd.DataFrame, opposed: pd.DataFrame) -> plt.Figure:
    """Cosine of both gradients and share of weights in conflict: layers down, epochs across."""
    fig, axes = plt.subplots(1, 2, figsize=(11, 0.42 * len(cosines) + 1.7), sharey=True,
                             layout="constrained")  # fmt: skip
    pairs = ((cosines, "PuOr", -1, "cosine"), (100 * opposed, "cividis", 0, "% of the weights"))
    titles = ("cosine of the target's and the sources' gradient", "opposed to each other")
    for axis, (frame, colours, low, label), title in zip(axes, pairs, titles, strict=True):
        top = 1 if low else 100
        edges = (0.5, frame.shape[1] + 0.5, len(frame) - 0.5, -0.5)
        image = axis.imshow(frame, cmap=colours, vmin=low, vmax=top, aspect="auto",
                            extent=edges, interpolation="nearest")  # fmt: skip
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        fig.colorbar(image, ax=axis, label=label)
        for row, values in enumerate(frame.to_numpy()):
            for column, value in enumerate(values) if frame.shape[1] <= 12 else ():
                pale = value < 50 if not low else abs(value) > 0.6
                axis.text(column + 1, row, f"{value:.0f}" if not low else f"{value:.2f}",
                          ha="center", va="center", fontsize=8,
                          color="white" if pale else "black")  # fmt: skip
    axes[0].set_yticks(range(len(cosines)), cosines.index)
    return fig


def patterns_figure(
    city: xr.Dataset,
    strongest: Mapping[str, np.ndarray],
    windows: pd.DataFrame,
    shares: Sequence[float],
    unit: str,
) -> plt.Figure:
    """Which pattern each node leans to, on the map at some moments {title: [N]}.

    Beside them the mean window (rows: minutes) of those that lean to it, a column for each
    pattern, with its share.
    """
    count = len(strongest)
    fig, axes = plt.subplots(1, count + 1, figsize=(4 * count + 4.6, 4.1), layout="constrained",
                             width_ratios=[1] * count + [1.15])  # fmt: skip
    colours = [*SERIES[1:], style.SKY, style.GREY, "#F0E442"]
    for axis, (title, kinds) in zip(axes, strongest.items(), strict=False):
        places(axis, city)
        axis.scatter(city["lon"], city["lat"], c=[colours[k % len(colours)] for k in kinds],
                     s=26, zorder=3, edgecolor="white", lw=0.4)  # fmt: skip
        axis.set_title(title, fontsize=11)
    for (k, values), share in zip(windows.items(), shares, strict=True):
        colour = colours[k % len(colours)]
        axes[-1].plot(values, color=colour, lw=2, label=f"pattern {k + 1}: {share:.0%}")
    axes[-1].set(title="mean window by strongest pattern", ylabel=f"speed ({unit})",
                 xlabel="minutes from the newest input")  # fmt: skip
    bare(axes[-1])
    legend_below(fig, 6)
    return fig
