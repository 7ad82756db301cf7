"""Pictures of forecasts that know how sure they are: maps, calibration, spread against error.

Forecasts are named; a name keeps its colour on a page by its place in the mapping.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, PowerNorm

from stflow_lib.book.display import show_table
from stflow_lib.book.plots.comparisons import gains_figure
from stflow_lib.book.plots.finegrained.ablations import places
from stflow_lib.book.plots.style import BLUE, PALETTE, RED, bare, legend_above, plain_ticks

OFTEN = 0.2  # of the maps: a cell that leaves its 90 % interval so often is marked


def sure_figure(maps: Mapping[str, np.ndarray], unit: str, title: str) -> plt.Figure:
    """What a forecast says about some maps, and what happened: four panels of means.

    `maps`: "mean", "width" (of the interval) and "error" (|true - mean|), each [rows, cols] in
    `unit`; "outside", how often the flow left its interval, 0 to 1; and "concentration", A of
    every coarse cell, NaN where nobody was counted.
    """
    rows, cols = maps["mean"].shape
    width = 3.2 * max(cols / rows, 0.6)
    fig, axes = plt.subplots(2, 2, figsize=(2 * width + 2.4, 7.4), layout="constrained",
                             sharex=True, sharey=True)  # fmt: skip
    top = max(np.quantile(maps[name], 0.998) for name in ("width", "error"))
    spread = PowerNorm(0.5, 0, max(top, 1))
    mean, width, error = (maps[name] for name in ("mean", "width", "error"))
    _map(axes[0, 0], mean, "mean of the forecast", PowerNorm(0.5, 0, mean.max()), unit)
    _map(axes[0, 1], width, "width of its 90 % interval", spread, unit, "max")
    _map(axes[1, 0], error, "|true - mean|; dots: often outside", spread, unit, "max")
    y, x = np.nonzero(maps["outside"] >= OFTEN)
    axes[1, 0].scatter(x, y, s=5, color="#FF5A36", lw=0)
    concentration = maps["concentration"]
    blocks = np.kron(concentration, np.ones((rows // len(concentration),) * 2))
    axes[1, 1].set_facecolor("0.88")
    _map(axes[1, 1], np.ma.masked_invalid(blocks), "concentration A of each block", LogNorm(),
         "A (vehicles), logarithmic")  # fmt: skip
    for axis in axes[:, 0]:
        axis.set_ylabel("row (fine cells)")
    for axis in axes[1]:
        axis.set_xlabel("column (fine cells)")
    fig.suptitle(title, fontsize=11.5)
    return fig


def _map(axis, values, title: str, norm, label: str, end: str = "neither") -> None:
    image = axis.imshow(values, cmap="cividis", norm=norm, interpolation="nearest")
    axis.set_title(title, fontsize=10.5)
    bar = axis.figure.colorbar(image, ax=axis, label=label, shrink=0.9, extend=end)
    if isinstance(norm, LogNorm):
        plain_ticks(bar.ax.yaxis, (1, 2, 3, 5, 7))


def calibration_figure(
    pits: Mapping[str, np.ndarray], covered: Mapping[str, pd.Series], title: str
) -> plt.Figure:
    """Two tests of a forecast's spread: its PIT histogram, and how much its intervals cover.

    `pits`: share of PIT values up to each of evenly spaced points from 0 to 1, ends included;
    `covered`: actual coverage by nominal level. Flat bars and the diagonal are perfect.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.2), layout="constrained")
    for (name, upto), colour in zip(pits.items(), PALETTE, strict=False):
        edges = np.linspace(0, 1, len(upto))
        left.stairs(np.diff(upto) * (len(upto) - 1), edges, color=colour, lw=1.8, label=name)
    left.axhline(1, color="0.3", lw=0.9, ls="--", label="perfect")
    left.set(title="PIT: where the truth fell in the forecast", xlim=(0, 1), ylim=(0, None),
             xlabel="P(Y ≤ truth), ties spread", ylabel="density")  # fmt: skip
    for (name, curve), colour in zip(covered.items(), PALETTE, strict=False):
        right.plot(100 * curve.index, 100 * curve, "-o", ms=3, color=colour, label=name)
    right.plot([0, 100], [0, 100], color="0.3", lw=0.9, ls="--", label="perfect")
    right.set(title="central intervals", xlabel="promised coverage (%)",
              ylabel="actual coverage (%)", xlim=(0, 100), ylim=(0, 100))  # fmt: skip
    legend_above(right)
    for axis in (left, right):
        bare(axis)
    fig.suptitle(title, fontsize=11.5)
    return fig


def binned(by: np.ndarray, values: Mapping[str, np.ndarray], bins: int) -> pd.DataFrame:
    """Root mean squares of `values` [cell] in bins of equally many cells, in the order of `by`.

    One row per bin; bins of the same cells as their neighbour (ties) stay as they are.
    """
    parts = np.array_split(np.argsort(by, kind="stable"), bins)
    rms = {
        n: [np.sqrt((v[part] ** 2).mean()) for part in parts if len(part)]
        for n, v in values.items()
    }
    return pd.DataFrame(rms)


def spread_figure(
    spreads: Mapping[str, pd.DataFrame],
    halves: Mapping[str, pd.DataFrame],
    unit: str,
    title: str,
) -> plt.Figure:
    """Does a forecast know where it is wrong? Promised spread against error, and one test more.

    `spreads`: {forecast: frame with "spread" and "error" per bin}, in `unit`; on the diagonal a
    forecast errs as much as it says. `halves`: {which cells: frame with "mean" and "error"}.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.3), layout="constrained")
    _curves(left, spreads, "spread", PALETTE)
    both = pd.concat(spreads.values())
    ends = both[both > 0].min().max(), both.max().max()
    left.plot(ends, ends, color="0.3", lw=0.9, ls="--", label="errs as it says")
    left.set(title="cells in the order of their spread", ylabel=f"RMSE of the mean ({unit})",
             xlabel=f"promised standard deviation ({unit})")  # fmt: skip
    _curves(right, halves, "mean", (RED, BLUE))
    right.set(title="equal flows, unequal trust", ylabel=f"RMSE of the mean ({unit})",
              xlabel=f"mean of the forecast ({unit})")  # fmt: skip
    for axis in (left, right):
        legend_above(axis)
    fig.suptitle(title, fontsize=11.5)
    return fig


def _curves(axis, frames: Mapping[str, pd.DataFrame], x: str, colours) -> None:
    """The column "error" over another one, logarithmic both, a line per frame."""
    for (name, frame), colour in zip(frames.items(), colours, strict=False):
        axis.plot(frame[x], frame["error"], "-o", ms=4, color=colour, label=name)
    axis.set(xscale="log", yscale="log")
    for side in (axis.xaxis, axis.yaxis):
        plain_ticks(side)
    bare(axis)


def show_against(judged: pd.DataFrame, name: str, other: str) -> None:
    """How much lower the errors of `name` are than those of `other`: table, picture, verdict.

    `judged`: their paired differences, see `paired_gains`.
    """
    if judged.empty:
        print(f"{name}: not run")
        return
    show_table(judged.rename(columns={"gain": "lower by (%)"}),
               f"{name} against {other}, paired by seed", digits=2, index=False)  # fmt: skip
    if judged["low"].notna().any():
        lower = f"how much lower the error is, in % of {other}'s"
        axis = gains_figure(judged.assign(label=places(judged)), lower).axes[0]
        axis.set_title(f"{name} against {other}: paired difference with 95 % interval")
        plt.show()
    else:
        print("one seed: no intervals, and nothing is confirmed")
    for metric, found in judged.groupby("metric", sort=False):
        counts = found["verdict"].value_counts().items()
        verdicts = ", ".join(f"{n} {verdict}" for verdict, n in counts)
        print(f"{metric.upper()} of {name} lower by {found['gain'].min():.1f} to "
              f"{found['gain'].max():.1f} % on average;",
              f"lower than {other}'s: {verdicts}")  # fmt: skip
