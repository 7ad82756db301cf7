"""How the axes of all figures with points and lines look."""

import matplotlib.pyplot as plt
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator

from stflow_lib.book.stacked import LETTER, WIDTH

BLUE, RED, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"  # Okabe and Ito's:
ORANGE, SKY, INK, GREY = "#E69F00", "#56B4E9", "#000000", "#8C8C8C"  # colour-blind readers
PALETTE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, INK, GREY)  # can tell them apart
PANEL, GROWTH = WIDTH - 0.8, 1.15  # inches of a panel on a phone; what a layout makes of panels
SAMPLE, LINE = 0.6, 1.5  # inches of a legend's line or mark; heights of letters from row to row


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


def legend_below(fig: plt.Figure, columns: int, **style) -> None:
    """One legend under all panels, each name once; none where nothing has a name."""
    named = {}
    for axes in fig.axes:
        named |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    if named:
        fig.legend(named.values(), named, loc="outside lower center", ncols=columns,
                   frameon=False, **style)  # fmt: skip


def legend_above(axes: plt.Axes, size: float = 9, **style) -> None:
    """The panel's legend between it and its title, which is set already: never over data.

    As many columns as fit a panel on a phone, or the panel where that is narrower; `size` in
    points; `style` goes to `Axes.legend`.
    """
    names = axes.get_legend_handles_labels()[1]
    if not names:
        return
    width = min(GROWTH * axes.get_window_extent().width / axes.figure.dpi, PANEL)
    columns = max(1, int(width / (max(map(len, names)) * size * LETTER + SAMPLE)))
    rows = -(-len(names) // columns)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, frameon=False,
                ncols=columns, fontsize=size, labelspacing=0.3, **style)  # fmt: skip
    axes.set_title(axes.get_title(), pad=rows * LINE * size + size)
