"""How the axes of all figures with points and lines look."""

import matplotlib.pyplot as plt
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator


def bare(axes: plt.Axes, lines: str = "both") -> None:
    """Two spines, and pale grid lines under the data along "x", "y" or "both"."""
    axes.grid(axis=lines, color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def plain_ticks(axis: Axis, steps: tuple[float, ...] = (1, 2, 5)) -> None:
    """Few round numbers on a logarithmic axis instead of powers of ten."""
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda *_: "")
