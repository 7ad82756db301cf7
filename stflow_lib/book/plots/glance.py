"""The picture of "Results at a glance": a paper's method against the best of three groups."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.glance import GROUPS
from stflow_lib.book.plots.comparisons import WORD_COLOURS
from stflow_lib.book.plots.intervals import mark_cut
from stflow_lib.book.plots.style import GREY, bare, legend_below


def groups_figure(found: pd.DataFrame, title: str) -> plt.Figure:
    """Gains with intervals (of `glance.against_best`): a panel for a group, a row for a place.

    A hollow point has no interval. An axis ends at twice the largest gain of its panel.
    """
    places = list(dict.fromkeys(found["where"]))
    fig, axes = plt.subplots(
        1,
        len(GROUPS),
        figsize=(8.6, 0.48 * len(places) + 1.9),
        layout="constrained",
        sharey=True,
    )
    for axis, group in zip(axes, GROUPS, strict=True):
        axis.set(title=group, xlabel="error lower by (%)")
        _panel(axis, found[found["group"] == group], places)
        axis.title.set_fontsize("small")
    axes[0].set_yticks(range(len(places)), places)
    axes[0].set_ylim(len(places) - 0.4, -0.6)
    legend_below(fig, 5)
    fig.suptitle(title)
    return fig


def _panel(axis: plt.Axes, own: pd.DataFrame, places: list[str]) -> None:
    reach = 2 * max(own["gain"].abs().max(), 0.5) if len(own) else 1
    ends = [-reach / 4, reach / 4, *own[["gain", "low", "high"]].clip(-reach, reach).stack()]
    least, most = min(ends), max(ends)
    for row in own.itertuples():
        y, colour = places.index(row.where), WORD_COLOURS.get(row.so_far, GREY)
        known = row.so_far in WORD_COLOURS
        axis.hlines(y, row.low, row.high, color=colour, lw=2.2)
        axis.scatter(row.gain, y, s=30, zorder=3, color=colour if known else "white",
                     edgecolor=colour, label=row.so_far or "no interval")  # fmt: skip
        axis.annotate(row.other, (row.gain, y), xytext=(0, 6), textcoords="offset points",
                      ha="center", fontsize="small", color="0.25")  # fmt: skip
    axis.axvline(0, color="0.3", lw=0.8)
    margin = 0.12 * (most - least)  # room for names
    axis.set_xlim(least - margin, most + margin)
    y = np.array([places.index(where) for where in own["where"]])
    mark_cut(axis, own, y, np.array([WORD_COLOURS.get(word, GREY) for word in own["so_far"]]))
    bare(axis)
