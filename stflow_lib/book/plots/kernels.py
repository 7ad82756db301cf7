"""Pictures of kernels: bytes moved, ratios beside aims, a roofline, who noticed a mistake."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.style import bare, legend_above, plain_ticks

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"


def traffic_figure(moved: Mapping[str, tuple[float, float]], title: str) -> plt.Figure:
    """A bar for each form: MB forward, then backward; at its end the multiple of the last one.

    moved: form -> (bytes forward, bytes backward), the form with the least last.
    """
    fig, axis = plt.subplots(figsize=(7.6, 0.5 * len(moved) + 1.7), layout="constrained")
    y = np.arange(len(moved))[::-1]
    forward, backward = np.array([*moved.values()]).T / 1e6
    axis.barh(y, forward, color=BLUE, height=0.6, label="forward")
    if backward.any():
        axis.barh(y, backward, left=forward, color=ORANGE, height=0.6, label="backward")
        fig.legend(frameon=False, loc="outside lower center", ncols=2)
    total = forward + backward
    for place, mb in zip(y, total, strict=True):
        text = f"{mb:.3g} MB" + (f", {mb / total[-1]:.3g}x" if mb != total[-1] else "")
        axis.annotate(text, (mb, place), (5, 0), textcoords="offset points", va="center",
                      fontsize=9)  # fmt: skip
    axis.set_yticks(y, list(moved))
    axis.set_xlim(0, 1.28 * total.max())
    axis.set(title=title, xlabel="bytes moved (MB)", ylabel="form")
    bare(axis, "x")
    return fig


def aims_figure(ratios: Mapping[str, np.ndarray], aims: Mapping[str, float]) -> plt.Figure:
    """Least, median and largest ratio of naive to fast time by name, and the aim as a line."""
    fig, axis = plt.subplots(figsize=(7.6, 0.5 * len(ratios) + 1.9), layout="constrained")
    y = np.arange(len(ratios))[::-1]
    low, middle, high = np.array([*ratios.values()]).T
    axis.hlines(y, low, high, color=BLUE, lw=5, alpha=0.4, label="range between turns")
    axis.scatter(middle, y, color=BLUE, s=50, zorder=3, label="median")
    marks = [(aims[name], place) for name, place in zip(ratios, y, strict=True) if name in aims]
    axis.scatter(*zip(*marks, strict=True), marker="|", s=420, color="black", lw=2, label="aim")
    axis.axvline(1, color="0.4", lw=0.9, ls="--")
    axis.set(xscale="log", xlabel="time of naive form / time of torch form (log scale)",
             title="How much faster than the naive form, on this processor")  # fmt: skip
    axis.set_yticks(y, list(ratios))
    axis.set_ylim(-0.6, len(ratios) - 0.4)
    wide = np.r_[low, high, [aim for aim, _ in marks], 1]
    axis.set_xlim(wide.min() / 1.6, wide.max() * 1.6)
    plain_ticks(axis.xaxis, (1,) if wide.max() / wide.min() > 300 else (1, 3))
    bare(axis, "x")
    fig.legend(frameon=False, loc="outside lower center", ncols=3)
    return fig


def shares_figure(saved: Mapping[str, np.ndarray]) -> plt.Figure:
    """Least, median and largest percent that a step saves; whole steps (": all") in orange."""
    fig, axis = plt.subplots(figsize=(7.6, 0.32 * len(saved) + 1.6), layout="constrained")
    y = np.arange(len(saved))[::-1]
    low, middle, high = np.array([*saved.values()]).T
    colours = [ORANGE if name.endswith(": all") else BLUE for name in saved]
    axis.barh(y, middle, color=colours, height=0.62)
    axis.hlines(y, low, high, color="black", lw=1.2)
    for place, right, value in zip(y, np.maximum(high, 0), middle, strict=True):
        axis.annotate(f"{value:.2g} %", (right, place), (5, 0), textcoords="offset points",
                      va="center", fontsize=9)  # fmt: skip
    axis.axvline(0, color="0.4", lw=0.9)
    axis.set_yticks(y, list(saved))
    axis.set_xlim(min(1.2 * low.min(), 0), 1.18 * max(high.max(), 1))
    axis.set(title="What a training step saves by fast forms", ylabel="step and operation",
             xlabel="share of a step saved (%), lines: range between turns")  # fmt: skip
    bare(axis, "x")
    return fig


def roofline_figure(
    intensity: Mapping[str, float], cards: Mapping[str, tuple[float, float]]
) -> plt.Figure:
    """The most that each operation can reach on each card: its roof at its intensity.

    intensity: operation -> floating-point operations for a byte; cards: name -> (published
    bandwidth in GB/s, published peak in GFLOP/s of float32). Drawn are roofs, no measurements.
    """
    fig, axis = plt.subplots(figsize=(7.6, 4.6), layout="constrained")
    x = np.geomspace(min(intensity.values()) / 3, max(intensity.values()) * 3, 200)
    for colour, (card, (bandwidth, peak)) in zip((BLUE, GREEN), cards.items(), strict=False):
        axis.plot(x, np.minimum(x * bandwidth, peak), color=colour, label=card)
    roof = [max(min(v * b, p) for b, p in cards.values()) for v in intensity.values()]
    floor = 0.5 * min(x[0] * bandwidth for bandwidth, _ in cards.values())
    axis.vlines(list(intensity.values()), floor, roof, color="0.6", lw=0.9, ls=":")
    before = 0.0
    for name, value in sorted(intensity.items(), key=lambda item: item[1]):
        side = "left" if value < 1.2 * before else "right"  # of the line: names stay apart
        axis.annotate(name, (value, floor * 1.2), rotation=90, fontsize=9, ha=side, va="bottom")
        before = value
    axis.set(xscale="log", yscale="log", ylim=(floor, None),
             title="Roofline of published numbers: what a card allows",
             xlabel="arithmetic intensity (operations per byte)",
             ylabel="most that can be reached (GFLOP/s)")  # fmt: skip
    plain_ticks(axis.xaxis, (1,))
    plain_ticks(axis.yaxis, (1,))
    bare(axis)
    legend_above(axis)
    return fig


def breakages_figure(report: pd.DataFrame) -> plt.Figure:
    """A row for each kernel, a column for each kind of breakage; colour says what noticed it.

    report: columns operation, kernel, broken ("index", "mask", "sign") and noticed (a proof, or
    empty: nobody), a row for each breakage.
    """
    kinds = sorted(report["broken"].unique())
    table = report.pivot(index=["operation", "kernel"], columns="broken", values="noticed")
    table = table.loc[report[["operation", "kernel"]].drop_duplicates().apply(tuple, axis=1)]
    proofs = [*report["noticed"].value_counts().drop("", errors="ignore").index]
    colours = {"": "white"} | dict(
        zip(proofs, (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9"), strict=False)
    )
    fig, axis = plt.subplots(figsize=(7.6, 0.3 * len(table) + 1.6), layout="constrained")
    for row, noticed in enumerate(table[kinds].to_numpy()):
        for column, proof in enumerate(noticed):
            corner, colour = (column - 0.47, row - 0.42), colours[proof]
            axis.add_patch(plt.Rectangle(corner, 0.94, 0.84, fc=colour, ec="0.4"))
            axis.text(column, row, proof or "nobody", ha="center", va="center", fontsize=9,
                      color="black" if proof in ("", *proofs[1:2]) else "white")  # fmt: skip
    axis.set_yticks(range(len(table)), [f"{o}  {k.strip('_')}" for o, k in table.index])
    axis.set_xticks(range(len(kinds)), [f"wrong {kind}" for kind in kinds])
    axis.set(xlim=(-0.5, len(kinds) - 0.5), ylim=(len(table) - 0.5, -0.5),
             title="What turned red first when a kernel was broken", xlabel="kind of breakage",
             ylabel="operation and kernel")  # fmt: skip
    axis.tick_params(length=0, labelsize=9)
    axis.spines[:].set_visible(False)
    return fig
