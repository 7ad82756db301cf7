"""Pictures of balanced pre-training: kinds of regions, weights, similarities, what a log tells.

Maps are [rows, cols]; a kind is a number with a name and one colour wherever it appears. Cells
that take no part are grey.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from stflow_lib.book.plots.curves import curves_figure
from stflow_lib.book.plots.data import simulated_cities as plots_simulated
from stflow_lib.book.plots.style import INK, PALETTE, SKY, bare, legend_above, plain_ticks

BLANK = "0.85"
SERIES = PALETTE[:4]
KINDS = (*plots_simulated.COLOURS, INK, SKY, "#882255", "#F0E442")
Names = Mapping[int, str]  # kind -> what it is called, in the order of drawing


def colours_of(names: Names) -> dict[int, str]:
    """One colour for each kind, those of land use where the kinds are land uses.

    Dark grey for -1, which is no kind.
    """
    known = [kind for kind in names if kind >= 0]
    places = known if max(names, default=0) < 7 and len(known) == len(names) else range(99)
    colours = dict(zip(known, (KINDS[p % len(KINDS)] for p in places), strict=False))
    return {kind: colours.get(kind, "0.35") for kind in names}


def kinds_figure(maps: Mapping[str, np.ndarray], names: Names) -> plt.Figure:
    """Kinds on the map of every city, and the share of its cells that each kind has.

    maps: city -> kinds [rows, cols]; a number without a name is a cell that takes no part.
    """
    ratios = [*(kinds.shape[1] / kinds.shape[0] for kinds in maps.values()), 1.5]
    fig, axes = plt.subplots(1, len(ratios), figsize=(11, 3.7), width_ratios=ratios,
                             layout="constrained")  # fmt: skip
    colours, height = colours_of(names), 0.8 / len(maps)
    for (city, kinds), axis in zip(maps.items(), axes, strict=False):
        kind_map(axis, kinds, names)
        axis.set_title(f"{city}\n{np.isin(kinds, [*names]).sum()} cells", fontsize=10)
    for number, (city, kinds) in enumerate(maps.items()):
        count = np.array([(kinds == kind).sum() for kind in names])
        at = np.arange(len(names)) - 0.4 + (number + 0.5) * height
        axes[-1].barh(at, 100 * count / max(count.sum(), 1), height, color=[*colours.values()],
                      hatch=("", "////")[number % 2], edgecolor="white", lw=0.5)  # fmt: skip
        axes[-1].barh(0, 0, color="0.4", hatch=("", "////")[number % 2], edgecolor="white",
                      label=city)  # fmt: skip
    axes[-1].set_yticks(range(len(names)), names.values())
    axes[-1].invert_yaxis()
    axes[-1].set(title="how common a kind is", xlabel="share of the cells (%)")
    fig.legend(frameon=False, loc="outside lower right", ncols=2, fontsize=9)
    bare(axes[-1], "x")
    return fig


def kind_map(axis: plt.Axes, kinds: np.ndarray, names: Names) -> None:
    """One map of kinds in their colours."""
    place = np.full(kinds.shape, -1)
    for number, kind in enumerate(names):
        place[kinds == kind] = number
    axis.set_facecolor(BLANK)
    axis.imshow(np.ma.masked_less(place, 0), cmap=ListedColormap([*colours_of(names).values()]),
                vmin=-0.5, vmax=len(names) - 0.5, interpolation="nearest")  # fmt: skip
    _cells(axis)


def _cells(axis: plt.Axes) -> None:
    axis.set(xlabel="column (cells)", ylabel="row (cells)")
    axis.locator_params(nbins=5, integer=True)


def directions_figure(
    measured: Mapping[str, tuple[float, float]], guessed: Mapping[str, tuple[float, float]]
) -> plt.Figure:
    """Normal densities {name: (mean, deviation)}: those measured filled, those guessed lines."""
    fig, axis = plt.subplots(figsize=(7.6, 3.4), layout="constrained")
    both = [*measured.values(), *guessed.values()]
    x = np.linspace(min(m - 3 * s for m, s in both), max(m + 3 * s for m, s in both), 600)
    bell = lambda m, s: np.exp(-(((x - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))
    for (name, pair), grey in zip(measured.items(), ("0.55", "0.8"), strict=False):
        axis.fill_between(x, bell(*pair), color=grey, alpha=0.7, lw=0, label=name)
    for (name, pair), colour, dash in zip(guessed.items(), SERIES, ("-", "--"), strict=False):
        axis.plot(x, bell(*pair), dash, color=colour, lw=2, label=name)
    axis.set(title="one prediction for two regions with the same POI", ylabel="density",
             xlabel="one number of the feature z (no unit)", ylim=(0, None))  # fmt: skip
    bare(axis, "x")
    legend_above(axis)
    return fig


def rarity_figure(
    weights: Mapping[str, np.ndarray], cells: np.ndarray, kinds: np.ndarray, names: Names
) -> plt.Figure:
    """The last of the weights [R] on the map; all as histograms; the last by kind.

    cells [R]: flat indices into kinds [rows, cols]. Black ticks: a weight inverse to the number
    of cells of the kind, 1 on average.
    """
    fig, (left, mid, right) = plt.subplots(
        1, 3, figsize=(11.5, 3.9), width_ratios=(1.15, 1, 1.25), layout="constrained"
    )
    last = [*weights.values()][-1]
    shown = np.full(kinds.size, np.nan)
    shown[cells] = last
    left.set_facecolor(BLANK)
    image = left.imshow(shown.reshape(kinds.shape), cmap="cividis", interpolation="nearest")
    left.set_title(f"weights {[*weights][-1]}")
    _cells(left)
    fig.colorbar(image, ax=left, label="weight ω of a cell", shrink=0.8)
    _histograms(mid, weights)
    _by_kind(right, last, kinds.ravel()[cells], names)
    return fig


def _histograms(axis: plt.Axes, weights: Mapping[str, np.ndarray]) -> None:
    full = np.concatenate([*weights.values()])
    bins = np.linspace(full.min() - 0.01, full.max() + 0.01, 41)
    for (when, values), colour in zip(weights.items(), SERIES, strict=False):
        axis.hist(values, bins, histtype="stepfilled", color=colour, ec=colour, alpha=0.55,
                  label=when)  # fmt: skip
    axis.axvline(1, color="0.3", ls=":", lw=1)
    axis.set(title="how far they differ", xlabel="weight ω", ylabel="cells", yscale="symlog",
             ylim=(0, 5 * len(full)))  # fmt: skip
    axis.yaxis.set_major_formatter("{x:g}")
    legend_above(axis)


def _by_kind(axis: plt.Axes, weights: np.ndarray, kinds: np.ndarray, names: Names) -> None:
    found = {kind: weights[kinds == kind] for kind in names if (kinds == kind).any()}
    colours, random = colours_of(names), np.random.default_rng(0)
    counted = np.array([1 / len(found[kind]) if kind in found else np.nan for kind in kinds])
    scale = np.nanmean(counted)
    for place, (kind, values) in enumerate(found.items()):
        at = place + random.uniform(-0.25, 0.25, len(values))
        axis.scatter(values, at, s=14, color=colours[kind], alpha=0.8, lw=0)
        axis.plot(values.mean(), place, "D", ms=7, mfc="white", mec="black")
        axis.plot(1 / len(values) / scale, place, "|", ms=17, mew=2.4, color="black")
    axis.plot([], [], "D", ms=7, mfc="white", mec="black", label="mean of the kind")
    axis.plot([], [], "|", ms=12, mew=2.4, color="black", label="by counting")
    axis.set_yticks(range(len(found)), [f"{names[k]} ({len(v)})" for k, v in found.items()])
    axis.set(title="by kind (cells)", xlabel="weight ω", xscale="log")
    plain_ticks(axis.xaxis)
    axis.invert_yaxis()
    bare(axis, "x")
    legend_above(axis)


def similarity_figure(delta: np.ndarray, kinds: Sequence[int], names: Names) -> plt.Figure:
    """Cosines [R, R] and their ranks in each row, regions ordered by kind.

    kinds [R] in the order of `names`; the diagonal, which no loss reads, is left out.
    """
    fig, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
    off = np.ma.masked_array(delta, np.eye(len(delta), dtype=bool))
    below = (off[:, None, :] < off[:, :, None]).sum(2)
    ranks = np.ma.masked_array(below / max(len(delta) - 2, 1), off.mask)
    counts = [int(np.sum(np.equal(kinds, kind))) for kind in names]
    edges = np.cumsum([0, *counts]) - 0.5
    for axis, values, title, label in (
        (axes[0], off, "cosine of two patterns", "δ"),
        (axes[1], ranks, "what the loss reads: the order in a row",
         "share of less similar partners"),
    ):  # fmt: skip
        image = axis.imshow(values, cmap="cividis", interpolation="nearest")
        axis.set_facecolor(BLANK)
        axis.set(title=title, xlabel="region k, ordered by kind", xticks=[])
        for edge in edges[1:-1]:
            axis.axhline(edge, color="white", lw=0.7), axis.axvline(edge, color="white", lw=0.7)
        fig.colorbar(image, ax=axis, label=label, shrink=0.85)
    spans = zip(edges[:-1], edges[1:], counts, names.values(), strict=True)
    there = [(a + b, name) for a, b, n, name in spans if n > 0.03 * len(delta)]
    axes[0].set_yticks([middle / 2 for middle, _ in there], [name for _, name in there])
    axes[0].tick_params("y", length=0)
    axes[0].set_ylabel("anchor i, ordered by kind")
    return fig


def contrast_figure(
    costs: Mapping[str, np.ndarray], gains: Mapping[str, Sequence[float]]
) -> plt.Figure:
    """Left: cost of every partner of one anchor, least similar first. Right: loss minus anchor
    value while representations are moved freely, one curve for each temperature."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    for (name, cost), colour, dash in zip(
        costs.items(), SERIES, ("-", "--", ":"), strict=False
    ):
        left.plot(np.arange(1, len(cost) + 1), cost, dash, color=colour, lw=1.8, label=name)
    left.set(title="cost of one anchor's partners", ylabel="cost (nats)",
             xlabel="partner, from the least to the most similar")  # fmt: skip
    for (name, gain), colour, dash in zip(gains.items(), SERIES, ("-", "--"), strict=False):
        right.plot(gain, dash, color=colour, lw=1.8, label=name)
    right.axhline(0, color="0.3", ls=":", lw=1)
    right.set(title="what can be gained when d is free", xlabel="step",
              ylabel="loss minus anchor value (nats)")  # fmt: skip
    for axis in (left, right):
        bare(axis)
        legend_above(axis)
    return fig


def logs_figure(curves: Mapping[str, Sequence[float]], regions: int, best: float) -> plt.Figure:
    """A balanced pre-training's log, epoch by epoch, with the level at which nothing happens.

    curves: those of `Balanced.report` and "valid_rmse", "plain" being Finetuned's. regions: R,
    the neighbours of a region among regions all alike; best: the contrast gain of free d.
    """
    line = lambda **names: {label.replace("_", " "): [curves[c]] for label, c in names.items()}
    figure = curves_figure({
        ("weights", "ω"): line(largest="omega_max", least="omega_min"),
        ("effective neighbours", "regions"): line(mean_of_R_ρ="neighbours"),
        ("contrast gain", "loss minus anchor (nats)"): line(STBaT="contrast_gain"),
        ("order of d against order of δ", "rank correlation"): line(STBaT="rank_correlation"),
        ("RIAM's two terms", "nats"): line(divergence="divergence", POI="poi"),
        ("source validation", "scaled RMSE"): line(STBaT="valid_rmse", Finetuned="plain"),
    })  # fmt: skip
    for axis, level in zip(figure.axes, (1, regions, 0, 0), strict=False):
        axis.axhline(level, color="0.3", ls=":", lw=1.2, label="balances nothing")
    figure.axes[2].axhline(best, color="0.3", ls="--", lw=1.2, label="d moved freely")
    figure.axes[4].set_yscale("log")
    for axis in figure.axes:
        bare(axis)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        legend_above(axis)
    return figure


def changes_figure(changes: pd.DataFrame, title: str) -> plt.Figure:
    """RMSE against a reference in %, rows (kinds) down, a mark for each column."""
    fig, axis = plt.subplots(figsize=(8.4, 0.42 * len(changes) + 1.7), layout="constrained")
    marks = zip(changes.items(), (SERIES[1], "0.5", SERIES[0]), ("D", "o", "s"), strict=False)
    for (name, values), colour, mark in marks:
        axis.plot(values, range(len(values)), mark, ms=7, color=colour, label=name)
    axis.axvline(0, color="0.3", lw=1)
    axis.set_yticks(range(len(changes)), changes.index)
    axis.invert_yaxis()
    axis.set(title=title, xlabel="change of RMSE (%); to the left is better")
    bare(axis)
    fig.legend(frameon=False, loc="outside lower center", ncols=changes.shape[1], fontsize=9)
    return fig
