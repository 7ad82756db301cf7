"""Figures of transfers between cities: errors beside a rule's, and gains by pair and by kind."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.plots.intervals import draw_gains
from stflow_lib.book.plots.style import BLUE, RED, bare, legend_below, plain_ticks
from stflow_lib.runs import Run
from stflow_lib.verdicts.resampling import value_of

AMOUNTS = {"3": BLUE, "0": RED}  # days of target data
WORDS = {"0": "no day", "0.25": "6 hours", "1": "1 day"}  # else "3 days"
OTHER = "0.4"  # the colour of other amounts
FAILED = "failed training"
POINTS = ["pair", "method", "scarcity", "value", "failed"]  # of a training, in percent
WIDTH = 4.2  # inches of a panel


def arrow(pair: str) -> str:
    """ "jonas-nyc-taxi>jonas-dc-taxi" as people read it: "nyc-taxi → dc-taxi"."""
    return pair.replace("jonas-", "").replace("+", " + ").replace(">", " → ")


def in_words(amount: str) -> str:
    """ "0.25" -> "6 hours", "3" -> "3 days"."""
    return WORDS.get(amount, f"{amount} days")


def days(amount: str) -> str:
    """An amount of target data in words."""
    return f"{in_words(amount)} of target data"


def percents(group: Iterable[Run], metric: str, whole: float) -> list[tuple[float, bool]]:
    """The error of every recorded run in percent of `whole`, and whether its training failed.

    Failed trainings count, see `tables.all_errors`.
    """
    return [
        (100 * value_of(record, metric) / whole, bool(record["notes"].get("collapsed")))
        for record in runs.records(group)
    ]


def relative_figure(
    frame: pd.DataFrame, title: str, xlabel: str, marks: dict[str, str]
) -> plt.Figure:
    """Errors in percent of a rule's, a panel per pair, a row per method, a point per seed.

    `frame`: POINTS; a failed training is a cross. A line stands at 100; `marks` names methods of
    which the mean is a dashed line in the colour of the amount: method -> words for it.
    """
    methods = [m for m in dict.fromkeys(frame["method"]) if m not in marks]
    axes = _panels(frame["pair"], 0.22 * len(methods) + 0.9)
    for pair, axis in axes.items():
        here = frame[frame["pair"] == pair]
        _points(axis, here[here["method"].isin(methods)], methods)
        for amount, own in here.groupby("scarcity", sort=False):
            colour = AMOUNTS.get(amount, OTHER)
            for method, words in marks.items():
                mean = own.loc[own["method"] == method, "value"].mean()
                if np.isfinite(mean):
                    name = f"{words}, {days(amount)}"
                    axis.axvline(mean, color=colour, ls="--", lw=1.2, label=name)
        axis.axvline(100, color="0.3", lw=1)
        axis.set_xscale("log")
        plain_ticks(axis.xaxis, (1, 1.2, 1.5, 2, 3, 5, 6, 7, 8, 9))
        _rows(axis, methods, arrow(pair), xlabel)
    return _finish(axes, title)


def _points(axis: plt.Axes, here: pd.DataFrame, methods: list[str]) -> None:
    """A point per training in the colour of its amount of data, a cross where it failed."""
    for amount, own in here.groupby("scarcity", sort=False):
        colour, failed = AMOUNTS.get(amount, OTHER), own["failed"].astype(bool)
        y = np.array([methods.index(m) + _shift(amount) for m in own["method"]])
        sound = {"s": 16, "label": days(amount)}
        axis.scatter(own["value"][~failed], y[~failed], color=colour, zorder=3, **sound)
        axis.scatter(own["value"][failed], y[failed], color=colour, zorder=3, marker="x", s=26)
    if here["failed"].any():
        axis.scatter([], [], color="0.3", marker="x", s=26, label=FAILED)


def gains_panels(judged: pd.DataFrame, title: str, xlabel: str) -> plt.Figure:
    """Paired differences with their intervals, a panel per pair, a row per comparison.

    `judged`: city, row, scarcity, gain, low, high. A filled point has its whole interval on one
    side of zero.
    """
    labels = list(dict.fromkeys(judged["row"]))
    axes = _panels(judged["city"], 0.3 * len(labels) + 0.9)
    for pair, axis in axes.items():
        _gains(axis, judged[judged["city"] == pair], labels, arrow(pair), xlabel)
    return _finish(axes, title)


def kinds_figure(judged: pd.DataFrame, title: str, xlabel: str) -> plt.Figure:
    """Gain by kind of region, a panel per `panel`, a row per kind with its share of cells.

    `judged`: panel, kind (a name), share (percent of cells), scarcity, gain, low, high (percent),
    a panel's rarest kind first. Balance would be a slope: more gain at the top.
    """
    judged = judged.assign(row=judged["kind"] + judged["share"].map(", {:.1f} %".format))
    rows = {
        panel: tuple(dict.fromkeys(own))
        for panel, own in judged.groupby("panel", sort=False)["row"]
    }
    height = 0.3 * max(map(len, rows.values())) + 0.9
    axes = _panels(rows, height, sharey=len(set(rows.values())) == 1)
    for panel, axis in axes.items():
        here = judged[judged["panel"] == panel]
        _gains(axis, here, rows[panel], arrow(panel), xlabel)
    return _finish(axes, title)


def _gains(
    axis: plt.Axes, here: pd.DataFrame, labels: Sequence[str], title: str, xlabel: str
) -> None:
    """A panel's rows, in each of them the amounts of data beside each other."""
    for amount in dict.fromkeys(here["scarcity"]):
        axis.plot([], color=AMOUNTS.get(amount, OTHER), lw=2, label=days(amount))
    _rows(axis, labels, title, xlabel)
    colours = [AMOUNTS.get(amount, OTHER) for amount in here["scarcity"]]
    places = zip(here["row"], here["scarcity"], strict=True)
    y = [labels.index(row) + _shift(amount) for row, amount in places]
    certain = (here["low"] > 0) | (here["high"] < 0)
    draw_gains(axis, here, y, colours, np.where(certain, colours, "white"))


def _panels(names, height: float, sharey: bool = True) -> dict[str, plt.Axes]:
    """Axes by name, two in a row; what is left over stays empty."""
    names = list(dict.fromkeys(names))
    cols = min(2, len(names))
    lines = -(-len(names) // cols)
    _, axes = plt.subplots(
        lines, cols, figsize=(WIDTH * cols + (0 if cols > 1 else 2), height * lines + 0.7),
        layout="constrained", squeeze=False, sharey=sharey,
    )  # fmt: skip
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    return dict(zip(names, axes.flat, strict=False))


def _rows(axis: plt.Axes, labels: Sequence[str], title: str, xlabel: str) -> None:
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.set(title=title, xlabel=xlabel)
    axis.title.set_fontsize("medium")
    axis.tick_params(labelsize="small")
    bare(axis)


def _finish(axes: dict[str, plt.Axes], title: str) -> plt.Figure:
    """One title, and one legend below for all panels."""
    fig = next(iter(axes.values())).figure
    legend_below(fig, 2, fontsize="small")
    fig.suptitle(title)
    return fig


def _shift(amount: str) -> float:
    return 0.15 if amount == "0" else -0.15
