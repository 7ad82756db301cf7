"""Figures of transfers between cities: errors beside a rule's, and gains by pair and by kind."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.style import BLUE, RED, bare, legend_below, plain_ticks

AMOUNTS = {"3": BLUE, "0": RED}  # days of target data
WIDTH = 4.2  # inches of a panel


def arrow(pair: str) -> str:
    """ "jonas-nyc-taxi>jonas-dc-taxi" as people read it: "nyc-taxi → dc-taxi"."""
    return pair.replace("jonas-", "").replace("+", " + ").replace(">", " → ")


def days(amount: str) -> str:
    """An amount of target data in words."""
    return "no day of target data" if amount == "0" else f"{amount} days of target data"


def relative_figure(
    frame: pd.DataFrame, title: str, xlabel: str, marks: dict[str, str]
) -> plt.Figure:
    """Errors in percent of a rule's, a panel per pair, a row per method, a point per seed.

    `frame`: pair, method, scarcity, value. A line stands at 100; `marks` names methods of which
    the mean is drawn as a dashed line in the colour of the amount: method -> words for it.
    """
    methods = [m for m in dict.fromkeys(frame["method"]) if m not in marks]
    axes = _panels(frame["pair"], 0.22 * len(methods) + 0.9)
    for pair, axis in axes.items():
        here = frame[frame["pair"] == pair]
        for amount, own in here.groupby("scarcity", sort=False):
            colour = AMOUNTS.get(amount, "0.4")
            points = own[own["method"].isin(methods)]
            y = [methods.index(m) + _shift(amount) for m in points["method"]]
            axis.scatter(points["value"], y, s=16, color=colour, label=days(amount), zorder=3)
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


def gains_panels(judged: pd.DataFrame, title: str, xlabel: str) -> plt.Figure:
    """Paired differences with their intervals, a panel per pair, a row per comparison.

    `judged`: city, row, scarcity, gain, low, high. A filled point has its whole interval on one
    side of zero; an axis ends at twice the largest gain, because two seeds can give an interval
    of hundreds of percent.
    """
    labels = list(dict.fromkeys(judged["row"]))
    axes = _panels(judged["city"], 0.3 * len(labels) + 0.9)
    for pair, axis in axes.items():
        here = judged[judged["city"] == pair]
        for amount, own in here.groupby("scarcity", sort=False):
            y = np.array([labels.index(r) + _shift(amount) for r in own["row"]])
            colour = AMOUNTS.get(amount, "0.4")
            axis.hlines(y, own["low"], own["high"], color=colour, lw=1.8, label=days(amount))
            fill = _fill(own, colour)
            axis.scatter(own["gain"], y, color=fill, edgecolor=colour, s=24, zorder=3)
        axis.axvline(0, color="0.3", lw=0.8)
        axis.set_xlim(_reach(here))
        _rows(axis, labels, arrow(pair), xlabel)
    return _finish(axes, title)


def kinds_figure(judged: pd.DataFrame, title: str, xlabel: str, ylabel: str) -> plt.Figure:
    """Gain by kind of region against the kind's share of cells, a panel per `panel`.

    `judged`: panel, kind (a name; "" draws none), share (percent of cells), scarcity, gain, low,
    high (percent). Balance would be a slope: more gain at the left.
    """
    axes = _panels(judged["panel"], 2.7, sharey=False)
    for panel, axis in axes.items():
        here = judged[judged["panel"] == panel]
        most, (low, high) = max(here["share"].max(), 1), _reach(here)
        axis.set_xscale("function", functions=(np.sqrt, np.square))  # room for the rare
        axis.set_xticks([tick for tick in (0, 1, 2, 5, 10, 20, 40, 70) if tick < 1.2 * most])
        axis.set(ylim=(low, high), xlim=(0, 1.25 * most))
        _kinds(axis, here, 0.012 * most**0.5)
        for kind, own in here[here["kind"] != ""].groupby("kind", sort=False):
            axis.annotate(kind, (own["share"].iloc[0], high), rotation=90, fontsize="x-small",
                          color="0.4", ha="center", va="top", xytext=(-11, -2),
                          textcoords="offset points")  # fmt: skip
        axis.set(title=arrow(panel), xlabel=xlabel, ylabel=ylabel)
        axis.title.set_fontsize("medium")
        bare(axis)
    return _finish(axes, title)


def _kinds(axis: plt.Axes, here: pd.DataFrame, beside: float) -> None:
    """Points with intervals, the two amounts of data side by side on the root scale."""
    for amount, own in here.groupby("scarcity", sort=False):
        colour = AMOUNTS.get(amount, "0.4")
        x = np.clip(own["share"] ** 0.5 + beside * np.sign(_shift(amount)), 0, None) ** 2
        axis.vlines(x, own["low"], own["high"], color=colour, lw=1.5, label=days(amount))
        fill = _fill(own, colour)
        axis.scatter(x, own["gain"], color=fill, edgecolor=colour, s=24, zorder=3)
    axis.axhline(0, color="0.3", lw=0.8)


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


def _rows(axis: plt.Axes, labels: list[str], title: str, xlabel: str) -> None:
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


def _fill(own: pd.DataFrame, colour: str) -> list[str]:
    return [
        colour if low > 0 or high < 0 else "white" for low, high in own[["low", "high"]].values
    ]


def _reach(judged: pd.DataFrame) -> tuple[float, float]:
    """Limits around zero and all gains, and around the intervals as far as twice the largest."""
    reach = 2 * max(judged["gain"].abs().max(), 0.5)
    ends = judged[["gain", "low", "high"]].clip(-reach, reach)
    low, high = min(ends.min(axis=None), 0), max(ends.max(axis=None), 0)
    margin = 0.07 * (high - low)
    return low - margin, high + margin
