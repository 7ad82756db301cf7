"""What a network unlearns about a city without a day while it learns its source."""

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib.book.plots.style import BLUE, GREY, RED, bare, legend_below, plain_ticks
from stflow_lib.book.plots.transfers import arrow

WORDS = {False: "not told the hour", True: "told the hour"}
STYLES = {False: "--", True: "-"}
COLUMNS = 2


def figure(found: pd.DataFrame) -> plt.Figure:
    """A panel for each transfer: errors by epoch in the source and the target, the choice marked.

    found: `book.source_epochs.table`.
    """
    pairs = found["city"].unique()
    rows = -(-len(pairs) // COLUMNS)
    fig, axes = plt.subplots(
        rows, COLUMNS, figsize=(8.5, 3.1 * rows), layout="constrained", squeeze=False
    )
    for axis, pair in zip(axes.flat, pairs, strict=False):
        _panel(axis, found[found["city"] == pair])
        axis.set(
            title=arrow(pair), xlabel="epoch in the source", ylabel="RMSE over last value's"
        )
    for axis in axes.flat[len(pairs) :]:
        axis.remove()
    fig.suptitle("Errors in the source and in a city without a day, epoch by epoch")
    legend_below(fig, COLUMNS)
    return fig


def _panel(axis: plt.Axes, here: pd.DataFrame) -> None:
    axis.axhline(1, color="0.4", linewidth=1)
    for told, own in here.groupby("told"):
        for place, colour in (("source", GREY), ("target", RED if told else BLUE)):
            axis.plot(own["epoch"], own[place], STYLES[told], color=colour, linewidth=1.2,
                      label=f"{place}, {WORDS[told]}")  # fmt: skip
        chosen = own.loc[own["source"].idxmin()]
        axis.plot(chosen["epoch"], chosen["target"], "o", color=RED if told else BLUE,
                  markersize=6, label=f"chosen by the source, {WORDS[told]}")  # fmt: skip
    axis.set_xscale("log")
    plain_ticks(axis.xaxis)
    bare(axis)


def reading(found: pd.DataFrame) -> list[str]:
    """Where no epoch is below the last value in the target, and what choosing one would gain."""
    parts = [(words, found[found["told"] == told]) for told, words in WORDS.items()]
    return [_said(words, own) for words, own in parts if len(own)]


def _said(words: str, own: pd.DataFrame) -> str:
    parts = []
    for pair, here in own.groupby("city", sort=False):
        chosen, best = here.loc[here["source"].idxmin()], here.loc[here["target"].idxmin()]
        parts.append(f"{arrow(pair)} {chosen['target']:.2f} at the chosen epoch "
                     f"{chosen['epoch']:.0f}, at best {best['target']:.2f} at epoch "
                     f"{best['epoch']:.0f}")  # fmt: skip
    below = sum(here["target"].min() < 1 for _, here in own.groupby("city"))
    number = own["city"].nunique()
    return (f"A network that is {words}, error in the target over that of the last value: "
            f"{'; '.join(parts)}. Some epoch is below the last value on {below} of {number} "
            "transfers.")  # fmt: skip
