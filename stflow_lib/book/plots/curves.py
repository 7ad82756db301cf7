"""Training curves, one line a method or a stage, thin lines for seeds."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from stflow_lib.book.plots.style import PALETTE, legend_above

STYLES = ("-", "--", ":", "-.")


def curves_figure(panels: dict) -> plt.Figure:
    """Curves over epochs, {(title, y label): {label: [curve, ...]}}; each curve is one seed."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(4.4 * columns, 3.3 * rows),
                             layout="constrained", squeeze=False)  # fmt: skip
    for axis, ((title, label), groups) in zip(axes.flat, panels.items(), strict=False):
        for number, (name, curves) in enumerate(groups.items()):
            draw_seeds(axis, name, curves, PALETTE[number % 8], STYLES[number % 4])
        axis.set(title=title, xlabel="epoch", ylabel=label)
        longest = max(len(curve) for curves in groups.values() for curve in curves)
        axis.set_xlim(0.5, longest + 0.5)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if label.startswith("share"):
            axis.set_ylim(-0.03, 1.03)
        legend_above(axis, 8)
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    return fig


def draw_seeds(axis: plt.Axes, name: str, curves, colour: str, style: str) -> None:
    """All seeds of one row in one colour, under one name that says how many they are."""
    label = f"{name} ({len(curves)} seeds)" if len(curves) > 1 else name
    for number, curve in enumerate(curves):
        epochs = np.arange(1, len(curve) + 1)
        axis.plot(epochs, curve, style, color=colour, lw=1.3, marker="o" if len(curve) < 4 else "",
                  alpha=0.85, label=label if number == 0 else None)  # fmt: skip
