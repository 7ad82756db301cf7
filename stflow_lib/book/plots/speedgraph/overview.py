"""TSJT in one picture, after Figure 1 of its paper: who sees what, and what becomes a step."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from stflow_lib.book.plots.style import BLUE, GREEN, INK, RED

BOXES = {  # name -> (centre x, centre y, words, colour)
    "target": (1.1, 3.0, "target\na few windows", BLUE),
    "sources": (1.1, 1.0, "sources\nmany windows", RED),
    "bank": (3.7, 3.9, "bank of patterns", INK),
    "npm": (3.7, 2.0, "NPM\nprompt of each node\nbeside its window", INK),
    "backbone": (6.3, 2.0, "backbone\nroads and graph\nof likeness", INK),
    "mine": (8.9, 3.0, "error on the target\n$g_T$", BLUE),
    "theirs": (8.9, 1.0, "error on the sources\n$g_S$", RED),
    "tsb": (11.5, 2.0, "TSB, by tensor:\nof $g_S$ drop what\nworks against $g_T$", GREEN),
    "step": (14.1, 2.0, "one step\nof all weights", GREEN),
}
ARROWS = [
    ("target", "npm"), ("sources", "npm"), ("bank", "npm"), ("npm", "backbone"),
    ("backbone", "mine"), ("backbone", "theirs"), ("mine", "tsb"), ("theirs", "tsb"),
    ("tsb", "step"),
]  # fmt: skip
WIDTH, HEIGHT = 2.1, 1.25  # of a box
SHARED = ("bank", "npm", "backbone")  # one for all cities: what the step moves


def overview_figure() -> plt.Figure:
    """Boxes from left to right; the step goes back to the bank, the prompts and the backbone."""
    fig, axis = plt.subplots(figsize=(12, 4.1), layout="constrained")
    for x, y, words, colour in BOXES.values():
        corner = (x - WIDTH / 2, y - HEIGHT / 2)
        axis.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, "round,pad=0.05,rounding_size=0.12",
                                      fc="white", ec=colour, lw=1.6))  # fmt: skip
        axis.text(x, y, words, ha="center", va="center", fontsize=9, color=colour)
    for start, end in ARROWS:
        _arrow(axis, start, end)
    _arrow_back(axis)
    axis.set(xlim=(-0.1, 15.3), ylim=(-0.75, 4.7), aspect="equal")
    axis.set_axis_off()
    fig.suptitle("TSJT in one picture, after Figure 1 of the paper")
    return fig


def _arrow(axis: plt.Axes, start: str, end: str) -> None:
    """From the right side of a box to the left side of another, or down."""
    (x, y, _, colour), (to_x, to_y, *_) = BOXES[start], BOXES[end]
    side, to_side = (WIDTH / 2 + 0.05) * (to_x > x), (WIDTH / 2 + 0.05) * (to_x > x)
    drop = 0 if to_x > x else HEIGHT / 2 + 0.05
    axis.annotate("", (to_x - to_side, to_y + drop), (x + side, y - drop),
                  arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.3})  # fmt: skip


def _arrow_back(axis: plt.Axes) -> None:
    """Under everything, from the step to what all cities share."""
    x, y = BOXES["step"][:2]
    low, style = -0.2, {"color": GREEN, "lw": 1.3, "ls": "--"}
    first = BOXES["npm"][0]
    axis.plot([x, x, first], [y - HEIGHT / 2 - 0.05, low, low], **style)
    for name in SHARED[1:]:
        to_x, to_y, *_ = BOXES[name]
        axis.annotate("", (to_x, to_y - HEIGHT / 2 - 0.05), (to_x, low),
                      arrowprops={"arrowstyle": "-|>", **style})  # fmt: skip
    axis.text(8.9, low - 0.08, "moves the bank, the prompts and the backbone: one set of weights "
              "for all cities", ha="center", va="top", fontsize=9, color=GREEN)  # fmt: skip
