"""Result figures: errors of methods over cities and amounts of data, every seed a point."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.intervals import draw_gains
from stflow_lib.book.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALETTE,
    RED,
    legend_below,
    plain_ticks,
)  # fmt: skip
from stflow_lib.verdicts.statistics import CONFIRMED, EQUAL, OPEN, OPPOSITE

WORD_COLOURS = {CONFIRMED: BLUE, OPPOSITE: RED, EQUAL: GREEN, OPEN: GREY}
COLOURS = ["0.55", INK, *PALETTE[:6]]  # the first two are for rules


def seeds_frame(records: list[dict], metric: str) -> pd.DataFrame:
    """One row per record with city, scarcity (number), method, seed and value, none collapsed."""
    rows = [
        (r["city"], float(r["scarcity"]), r["method"], r["seed"], r[f"metric_{metric}"])
        for r in records
        if not r["notes"].get("collapsed")
    ]
    return pd.DataFrame(rows, columns=["city", "scarcity", "method", "seed", "value"])


def methods_figure(records: list[dict], metric: str, units: dict[str, str]) -> plt.Figure:
    """Error by method, a panel per city; a point per seed, a colour per amount of data."""
    frame = seeds_frame(records, metric)
    cities, methods = (list(dict.fromkeys(frame[name])) for name in ("city", "method"))
    amounts = sorted(frame["scarcity"].unique())
    fig, axes = plt.subplots(
        1, len(cities), figsize=(4.6 * len(cities) + 0.8, 0.27 * len(methods) + 1.6),
        layout="constrained", squeeze=False, sharey=True,
    )  # fmt: skip
    for axis, city in zip(axes[0], cities, strict=True):
        _methods_panel(axis, frame[frame["city"] == city], methods, amounts)
        unit = "" if metric == "mape" else f" ({units[city]})"
        axis.set(title=city, xlabel=f"test {metric.upper()}{unit}, logarithmic")
    axes[0, 0].set_yticks(range(len(methods)), methods)
    axes[0, 0].invert_yaxis()
    legend_below(fig, 5, title="training steps kept", fontsize="small")
    fig.suptitle(f"{metric.upper()} by method, one point per seed")
    return fig


def _methods_panel(axis, frame: pd.DataFrame, methods: list[str], amounts: list[float]) -> None:
    for k, amount in enumerate(amounts):
        own = frame[frame["scarcity"] == amount]
        shift = 0.22 * (k - (len(amounts) - 1) / 2)
        y = [methods.index(m) + shift for m in own["method"]]
        axis.scatter(own["value"], y, s=18, color=COLOURS[2 + k], label=f"{amount:g} %")
    axis.set_xscale("log")
    plain_ticks(axis.xaxis, (1, 1.5, 2, 3, 5, 7))
    axis.grid(axis="both", color="0.92", which="major")
    axis.spines[["top", "right"]].set_visible(False)


def fractions_figure(records: list[dict], metric: str, units: dict[str, str]) -> plt.Figure:
    """Error against the amount of training data, a panel per city, a line per method."""
    frame = seeds_frame(records, metric)
    cities = list(dict.fromkeys(frame["city"]))
    colours = dict(zip(dict.fromkeys(frame["method"]), cycle(COLOURS), strict=False))
    fig, axes = plt.subplots(
        1, len(cities), figsize=(4.8 * len(cities), 3.9), layout="constrained", squeeze=False
    )
    for axis, city in zip(axes[0], cities, strict=True):
        _fractions_panel(axis, frame[frame["city"] == city], colours)
        unit = "" if metric == "mape" else f" ({units[city]})"
        axis.set(title=city, ylabel=f"test {metric.upper()}{unit}")
    legend_below(fig, 5, fontsize="small")
    fig.suptitle(f"{metric.upper()} against the amount of training data, one point per seed")
    return fig


def _fractions_panel(axis, frame: pd.DataFrame, colours: dict[str, str]) -> None:
    for method, own in frame.groupby("method", sort=False):
        mean = own.groupby("scarcity")["value"].mean()
        axis.scatter(own["scarcity"], own["value"], s=14, color=colours[method])
        axis.plot(mean.index, mean, color=colours[method], lw=1.2, label=method)
    amounts = sorted(frame["scarcity"].unique())
    axis.set_xticks(amounts, [f"{a:g} %" for a in amounts])
    axis.set(xlabel="share of the training steps kept (the first ones)")
    axis.grid(axis="y", color="0.92")
    axis.spines[["top", "right"]].set_visible(False)


def convergence_figure(records: list[dict], units: dict[str, str]) -> plt.Figure:
    """Validation RMSE after each epoch, a panel per city, a line per method: mean over seeds."""
    trained = [r for r in records if r["curves"].get("valid_rmse")]
    cities, methods = (list(dict.fromkeys(r[n] for r in trained)) for n in ("city", "method"))
    fig, axes = plt.subplots(
        1, len(cities), figsize=(4.8 * len(cities), 4.2), layout="constrained", squeeze=False
    )
    styles = [(c, s) for s in ("-", "--") for c in COLOURS[1:]]
    for axis, city in zip(axes[0], cities, strict=True):
        for method, (colour, style) in zip(methods, styles, strict=False):
            curves = [
                r["curves"]["valid_rmse"]
                for r in trained
                if (r["city"], r["method"]) == (city, method)
            ]
            if curves:
                mean = np.mean([c[: min(map(len, curves))] for c in curves], 0)
                epochs = np.arange(1, len(mean) + 1)
                axis.plot(epochs, mean, style, color=colour, lw=1.3, label=method)
        axis.set(title=city, xlabel="epoch", ylabel=f"validation RMSE ({units[city]})")
        axis.set_yscale("log")
        plain_ticks(axis.yaxis, (1, 1.5, 2, 3, 5, 7))
        axis.grid(color="0.92")
        axis.spines[["top", "right"]].set_visible(False)
    legend_below(fig, 5, fontsize="small")
    fig.suptitle("Convergence: validation error after each epoch, mean over seeds")
    return fig


def gains_figure(
    judged: pd.DataFrame, xlabel: str = "lower by, % of the other's error"
) -> plt.Figure:
    """Paired differences with their intervals, in percent of the other method's error.

    `judged`: label, gain, low, high, so_far per row; a bar right of zero speaks for the claim.
    """
    fig, axis = plt.subplots(figsize=(8, 0.34 * len(judged) + 1.2), layout="constrained")
    axis.set(title="Order claims: paired difference with 95 % interval", xlabel=xlabel)
    y = np.arange(len(judged))[::-1]
    axis.set_yticks(y, judged["label"])
    colours = [WORD_COLOURS.get(word, GREY) for word in judged["so_far"]]
    draw_gains(axis, judged, y, colours, colours)
    axis.grid(axis="x", color="0.92")
    axis.spines[["top", "right", "left"]].set_visible(False)
    return fig
