"""Result figures: errors of methods over cities and amounts of data, every seed a point."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

COLOURS = ["0.55", "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def seeds_frame(records: list[dict], metric: str) -> pd.DataFrame:
    """One row per record with city, scarcity (number), method, seed and value; collapsed ones out."""
    rows = [
        (r["city"], float(r["scarcity"]), r["method"], r["seed"], r[f"metric_{metric}"])
        for r in records
        if not r["notes"].get("collapsed")
    ]
    return pd.DataFrame(rows, columns=["city", "scarcity", "method", "seed", "value"])


def errors_figure(records: list[dict], metric: str, units: dict[str, str]) -> plt.Figure:
    """Error against the amount of training data, a panel per city, a point per seed."""
    frame = seeds_frame(records, metric)
    cities = list(dict.fromkeys(frame["city"]))
    fig, axes = plt.subplots(
        1, len(cities), figsize=(4.8 * len(cities), 3.9), layout="constrained", squeeze=False
    )
    for axis, city in zip(axes[0], cities, strict=True):
        _errors_panel(axis, frame[frame["city"] == city])
        unit = "" if metric == "mape" else f" ({units[city]})"
        axis.set(title=city, ylabel=f"test {metric.upper()}{unit}")
    axes[0, -1].legend(frameon=False)
    fig.suptitle(f"{metric.upper()} against the amount of training data, one point per seed")
    return fig


def _errors_panel(axis, frame: pd.DataFrame) -> None:
    amounts = sorted(frame["scarcity"].unique())
    methods = list(dict.fromkeys(frame["method"]))
    for k, method in enumerate(methods):
        own = frame[frame["method"] == method]
        x = [amounts.index(a) + 0.08 * (k - (len(methods) - 1) / 2) for a in own["scarcity"]]
        axis.scatter(x, own["value"], s=22, color=COLOURS[k], label=method, zorder=3)
        mean = own.groupby("scarcity")["value"].mean()
        middle = [amounts.index(a) + 0.08 * (k - (len(methods) - 1) / 2) for a in mean.index]
        axis.plot(middle, mean, color=COLOURS[k], lw=1, alpha=0.6)
    axis.set_xticks(range(len(amounts)), [f"{a:g} %" for a in amounts])
    axis.set(xlabel="share of the training steps kept (the first ones)", yscale="log")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
    axis.grid(axis="y", color="0.92", which="both")
    axis.spines[["top", "right"]].set_visible(False)


def gains_figure(judged: pd.DataFrame) -> plt.Figure:
    """Paired differences with their intervals, in percent of the other method's error.

    `judged`: label, gain, low, high, verdict per row; a bar right of zero speaks for the claim.
    """
    fig, axis = plt.subplots(figsize=(8, 0.34 * len(judged) + 1.2), layout="constrained")
    y = np.arange(len(judged))[::-1]
    colour = ["#0072B2" if v == "confirmed" else "#D55E00" for v in judged["verdict"]]
    axis.hlines(y, judged["low"], judged["high"], color=colour, lw=2.5)
    axis.scatter(judged["gain"], y, color=colour, s=26, zorder=3)
    axis.axvline(0, color="0.3", lw=0.8)
    axis.set_yticks(y, judged["label"])
    axis.set(
        title="Order claims: paired difference with 95 % interval",
        xlabel="how much lower the error is, in % of the other method's error",
    )
    axis.grid(axis="x", color="0.92")
    axis.spines[["top", "right", "left"]].set_visible(False)
    return fig
