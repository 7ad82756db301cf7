"""Pictures of how a network is trained: what an encoder sees, whom a loss pulls, what curves do.

Maps are arrays [rows, cols] with row 0 in the north; curves hold one value per epoch.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap, PowerNorm

from stflow_lib.book.plots.style import BLUE, PALETTE, RED, SKY, legend_above

LABELS = ListedColormap(["#E8E8E8", BLUE])  # negative, positive


def flow_map(axis: plt.Axes, flow, title: str, unit: str, largest: float | None = None):
    """One map with its colour bar; cells are counted from the north-western corner."""
    norm = PowerNorm(0.5, 0, largest or max(flow.max(), 1e-9))
    image = axis.imshow(flow, cmap="cividis", norm=norm)
    axis.set(title=title, xlabel="column", ylabel="row")
    for side in (axis.xaxis, axis.yaxis):
        side.get_major_locator().set_params(integer=True)
    axis.figure.colorbar(image, ax=axis, label=unit, shrink=0.75)


def maps_figure(maps: dict, unit: str) -> plt.Figure:
    """Maps of any sizes side by side, {title: [rows, cols]}, each with a scale of its own."""
    fig, axes = plt.subplots(1, len(maps), figsize=(4.1 * len(maps), 3.5), layout="constrained",
                             squeeze=False)  # fmt: skip
    for axis, (title, flow) in zip(axes[0], maps.items(), strict=True):
        flow_map(axis, flow, title, unit)
    return fig


def encoders_figure(changes: dict, flow, channels) -> plt.Figure:
    """Where an embedding moves when one cell does {encoder: [rows, cols]}, and the pointwise
    encoder as curves: channels [N, C] over flow [N]."""
    wide = [1.0] * len(changes) + [1.3]
    fig, axes = plt.subplots(1, len(wide), figsize=(14, 3.2), width_ratios=wide,
                             layout="constrained")  # fmt: skip
    for axis, (name, change) in zip(axes, changes.items(), strict=False):
        image = axis.imshow(np.ma.masked_equal(change, 0), cmap="cividis", vmin=0)
        axis.set_facecolor("#E8E8E8")
        axis.set(title=f"{name}: {(change > 0).sum()} cells move", xlabel="column",
                 ylabel="row")  # fmt: skip
        fig.colorbar(image, ax=axis, label="mean change", shrink=0.75)
    for number, curve in enumerate(np.asarray(channels).T):
        axes[-1].plot(flow, curve, lw=1, color=PALETTE[number % len(PALETTE)])
    axes[-1].set(title="reg: flow to embedding", xlabel="flow of the cell (vehicles)",
                 ylabel="value of a channel")  # fmt: skip
    return fig


def labels_figure(flow, anchor: tuple[int, int], labels: dict, unit: str) -> plt.Figure:
    """A coarse map with its anchor (row, col), and who counts as like it {rule: [rows, cols]}."""
    fig, axes = plt.subplots(1, len(labels) + 1, figsize=(3.9 * (len(labels) + 1), 3.5),
                             layout="constrained")  # fmt: skip
    flow_map(axes[0], flow, f"anchor with {flow[anchor]:.0f} vehicles", unit)
    for axis, (rule, same) in zip(axes[1:], labels.items(), strict=True):
        image = axis.imshow(same, cmap=LABELS, vmin=-0.5, vmax=1.5)
        axis.set(title=f"{rule}: {same.sum()} of {same.size}", xlabel="column", ylabel="row")
        bar = fig.colorbar(image, ax=axis, ticks=[0, 1], label="label", shrink=0.75)
        bar.ax.set_yticklabels(["neg.", "pos."])
    for axis in axes:
        axis.plot(anchor[1], anchor[0], "s", ms=9, mfc="none", mec=RED, mew=2)
    return fig


def distances_figure(distance, anchor: int, near, far) -> plt.Figure:
    """Distances between maps [T, T] in order of time, and those of one map: K near, K far."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=(1, 1.5),
                                      layout="constrained")  # fmt: skip
    image = left.imshow(distance, cmap="cividis")
    left.set(title="distance between coarse maps", xlabel="step t", ylabel="step t'")
    fig.colorbar(image, ax=left, label="Euclidean distance (vehicles)", shrink=0.85)
    right.plot(distance[anchor], color="0.6", lw=1)
    right.plot(near, distance[anchor][near], "o", color=BLUE, label="K nearest")
    right.plot(far, distance[anchor][far], "s", color=RED, label="K farthest")
    right.axvline(anchor, color="0.3", ls=":", label="anchor")
    right.set(title=f"seen from step {anchor}", xlabel="step t", ylabel="distance (vehicles)")
    legend_above(right)
    return fig


def hinge_figure(gaps: dict, margin: float, reach: float) -> plt.Figure:
    """The triplet loss over |a-p|^2 - |a-n|^2, which cannot leave [-reach, reach], and where
    triplets lie {when: gaps [N]}."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained")
    line = np.linspace(-margin - 5, reach + 4, 200)
    left.plot(line, np.maximum(margin + line, 0), color="0.2")
    left.axvspan(-reach, reach, color=SKY, alpha=0.3, label="all that can occur")
    left.set(title=f"the hinge at margin {margin:g}", xlabel="|a - p|² - |a - n|²",
             ylabel="loss of a triplet")  # fmt: skip
    legend_above(left)
    widest = max(np.abs(gap).max() for gap in gaps.values()) * 1.05
    for (when, gap), colour, hatch in zip(gaps.items(), PALETTE, ("", "//"), strict=False):
        right.hist(gap, bins=np.linspace(-widest, widest, 41), color=colour, alpha=0.6,
                   label=when, hatch=hatch)  # fmt: skip
    right.axvline(0, color="0.3", lw=1)
    right.set(title="where triplets lie", xlabel="|a - p|² - |a - n|²", ylabel="triplets")
    legend_above(right)
    return fig


def births_figure(born: dict) -> plt.Figure:
    """Share of dead blocks of untrained networks against the last layer's bias, in one panel
    per kind of network, {kind: (shares [seed], biases [seed])}."""
    columns = min(4, len(born))
    rows = -(-len(born) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(3 * columns, 3.1 * rows), sharey=True,
                             layout="constrained", squeeze=False)  # fmt: skip
    for axis, (name, (share, bias)), colour in zip(
        axes.flat, born.items(), PALETTE, strict=False
    ):
        axis.scatter(bias, share, s=34, color=colour, alpha=0.7)
        axis.axvline(0, color="0.6", lw=1)
        axis.set(title=f"{name}:\n{np.mean(np.asarray(share) > 0.5):.0%} mostly dead",
                 xlabel="bias of the last layer", ylim=(-0.05, 1.05))  # fmt: skip
        axis.yaxis.set_major_formatter("{x:.0%}")
    for axis in axes[:, 0]:
        axis.set_ylabel("dead blocks before training")
    for axis in axes.flat[len(born) :]:
        axis.remove()
    return fig
