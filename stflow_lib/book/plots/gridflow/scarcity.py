"""Errors and gains over days of the target's own data.

`errors` is a frame with city (the name of a pair), method, days, seed and a column per metric.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.plots.style import bare, legend_below
from stflow_lib.book.plots.sweeps import COLOURS, MARKS
from stflow_lib.runs import Rows
from stflow_lib.verdicts import statistics

METRICS = ("rmse", "mae")
COLUMNS = ["city", "method", "days", "seed", *METRICS]
EARLY, LATE = 3.0, 30.0  # days: the claim is that after EARLY there is little left to gain
SATURATION = ["pair", "method", "n", "0 to 3 (%)", "gain", "3 to 30 (%)", "first minus rest",
              "saturation", "done by 3"]  # fmt: skip


def recorded_errors(
    rows: Rows, names: Mapping[str, str], with_failed: bool = False
) -> list[tuple]:
    """Test errors of recorded runs as lines of COLUMNS; `names`: city or pair -> its name."""
    return [
        (names[r["city"]], method, float(r["scarcity"]), r["seed"],
         *(r[f"metric_{m}"] for m in METRICS))
        for method, group in rows.items()
        for r in runs.records(group) if with_failed or not r["notes"].get("collapsed")
    ]  # fmt: skip


def not_below(errors: pd.DataFrame, rule: str, metric: str = "rmse") -> pd.DataFrame:
    """On how many pairs a method's mean error is not below a rule's: "1 of 4", by days.

    Judge a rule with the failed trainings in `errors`: they failed because of it.
    """
    bar = errors[errors["method"] == rule].groupby("city")[metric].mean()
    own = errors[errors["method"] != rule]
    means = own.pivot_table(metric, ["city", "method"], "days", sort=False)
    ratio = means.div(bar, axis=0, level="city")
    above, tried = (
        part.groupby(level="method", sort=False).sum() for part in (ratio >= 1, ratio.notna())
    )
    words = (above.astype(str) + " of " + tried.astype(str)).where(tried > 0, "")
    return words[sorted(words)].rename(columns="{:g}".format)


def saturation(errors: pd.DataFrame, methods: Iterable[str], metric: str) -> pd.DataFrame:
    """What three days give and the 27 after add, percent of the error at none, and verdicts."""
    lines = []
    for city, method in product(errors["city"].unique(), methods):
        found = _relative_errors(errors, method, city, metric)
        if len(found):
            early, late = found[:, 0] - found[:, 1], found[:, 1] - found[:, 2]
            whole = (early + late).mean()
            part = f"{early.mean() / whole:.0%}" if whole > 0 else "-"
            first, less = above_zero(early), above_zero(early - late)
            lines.append((city, method, len(found), *first, f"{late.mean():.1f}", *less, part))
    return pd.DataFrame(lines, columns=SATURATION)


def _relative_errors(errors: pd.DataFrame, method: str, city: str, metric: str) -> np.ndarray:
    """Errors of a method's seeds at 0, 3 and 30 days, in percent of the mean at zero days."""
    own = errors[(errors["method"] == method) & (errors["city"] == city)]
    wide = own.pivot_table(index="seed", columns="days", values=metric)
    wide = wide.reindex(columns=[0.0, EARLY, LATE]).dropna()
    return 100 * wide.to_numpy() / wide[0.0].mean() if len(wide) else wide.to_numpy()


def above_zero(values: np.ndarray) -> tuple[str, str]:
    """Mean with interval, and verdict, of a quantity that a claim says is above zero."""
    low, high = statistics.interval(values)
    sign = "yes" if values.mean() > 0 else "no"
    verdict = statistics.finding(low, high) or f"{sign}, one run"
    return f"{values.mean():.1f} [{low:.1f}, {high:.1f}]".replace(" [nan, nan]", ""), verdict


def gains_by_days(
    errors: pd.DataFrame, orders: Iterable[tuple[str, str]], metric: str = "rmse"
) -> pd.DataFrame:
    """Percent by which one method is below another, for each pair and amount of data.

    `orders`: (better, other), paired by seed; the line is the same with every seed. Columns:
    city, days, label, gain, low, high, n.
    """
    places, lines = errors.dropna(subset="days").groupby(["city", "days"], sort=False), []
    for (better, other), (place, here) in product(orders, places):
        of = {name: own.set_index("seed")[metric] for name, own in here.groupby("method")}
        if better in of and other in of:
            mine, theirs = of[better], of[other]
            if other == "Line":
                theirs = pd.Series(theirs.iloc[0], mine.index)
            found = (100 * (theirs - mine) / theirs.mean()).dropna()
            interval = statistics.interval(found)
            label = f"{better} below {other}"
            lines.append((*place, label, found.mean(), *interval, len(found)))
    kinds = dict.fromkeys(["days", "gain", "low", "high"], float)  # of an empty frame, too
    found = pd.DataFrame(lines, columns=["city", "days", "label", "gain", "low", "high", "n"])
    return found[found["n"] > 0].astype(kinds)


def count_certain(gains: pd.DataFrame) -> list[str]:
    """For each label, how many of its gains are beyond doubt, and in which direction."""
    return [
        f"{label}: {len(own)} comparisons, {(own['low'] > 0).sum()} above zero beyond doubt, "
        f"{(own['high'] < 0).sum()} below, {own['low'].isna().sum()} with one seed; "
        f"mean {own['gain'].mean():+.2f} %"
        for label, own in gains.groupby("label", sort=False)
    ]


def equivalent_days(errors: pd.DataFrame, method: str, city: str, days: float) -> str:
    """Days at which the line alone reaches the mean RMSE that a method has with `days`, as words.

    Read off the curve of "Line alone", which goes linearly between its points and never up.
    """
    own = errors[errors["city"] == city]
    curve = own[own["method"] == "Line alone"].set_index("days")["rmse"].sort_index().cummin()
    error = own.loc[(own["method"] == method) & (own["days"] == days), "rmse"].mean()
    if np.isnan(error):
        return ""
    if error >= curve.iloc[0]:
        return f"under {curve.index[0]:.0f}"
    if error < curve.iloc[-1]:
        return f"over {curve.index[-1]:.0f}"
    return f"{np.interp(-error, -curve.to_numpy(), curve.index):.1f}"


def days_figure(
    frame: pd.DataFrame, metrics: Sequence[str], units: Mapping[str, str], title: str
) -> plt.Figure:
    """Error against days of target data: a row per city, a panel per metric, a line per method.

    Points are seeds, lines go through means; the axis is in square roots of days. A method
    whose `days` are NaN needs none: a dashed line.
    """
    cities = list(dict.fromkeys(frame["city"]))
    fig, axes = plt.subplots(
        len(cities), len(metrics), figsize=(4.6 * len(metrics), 2.6 * len(cities) + 1),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for across, city in zip(axes, cities, strict=True):
        for axis, metric in zip(across, metrics, strict=True):
            _days_panel(axis, frame[frame["city"] == city], metric, [*_order(frame)])
            axis.set(title=city, ylabel=f"test {metric.upper()} ({units[city]})")
            _days_axis(axis, frame["days"].dropna())
    legend_below(fig, 3)
    fig.suptitle(title)
    return fig


def _order(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(frame["method"]))


def _days_panel(axis: plt.Axes, own: pd.DataFrame, metric: str, methods: list[str]) -> None:
    for k, method in enumerate(methods):
        runs, colour = own[own["method"] == method], COLOURS[k % len(COLOURS)]
        if runs.empty:
            continue
        if runs["days"].isna().all():
            axis.axhline(runs[metric].mean(), color="0.4", ls="--", lw=1.2, label=method)
            continue
        mean = runs.groupby("days")[metric].mean()
        style = {"color": colour, "marker": MARKS[k % len(MARKS)]}
        axis.plot(mean.index**0.5, mean, lw=1.4, ms=4, label=method, **style)
        axis.scatter(runs["days"] ** 0.5, runs[metric], s=16, **style)


def _days_axis(axis: plt.Axes, days: pd.Series) -> None:
    ticks = sorted(set(days))
    axis.set_xticks([day**0.5 for day in ticks], [f"{day:g}" for day in ticks])
    axis.set_xlabel("days of target data")
    bare(axis)


def day_gains_figure(gains: pd.DataFrame, title: str) -> plt.Figure:
    """What a method gains at each amount of data, a panel per city.

    `gains`: city, days, label (one colour each), gain, low, high; in percent, above zero is
    better. One seed has no interval, its point is hollow.
    """
    cities = list(dict.fromkeys(gains["city"]))
    labels = list(dict.fromkeys(gains["label"]))
    rows = -(-len(cities) // 2)
    fig, axes = plt.subplots(
        rows, min(2, len(cities)), figsize=(9.2, 2.7 * rows + 0.8), layout="constrained",
        squeeze=False, sharey=True,
    )  # fmt: skip
    for axis, city in zip(axes.flat, cities, strict=False):
        own = gains[gains["city"] == city]
        for k, label in enumerate(labels):
            shift = 0.09 * (k - (len(labels) - 1) / 2)
            _gains(axis, own[own["label"] == label], shift, COLOURS[k % len(COLOURS)], label)
        axis.axhline(0, color="0.3", lw=0.8)
        axis.set(title=city, ylabel="lower by (%)")
        _days_axis(axis, gains["days"])
    for axis in axes.flat[len(cities) :]:
        axis.remove()
    legend_below(fig, 2)
    fig.suptitle(title)
    return fig


def _gains(axis: plt.Axes, own: pd.DataFrame, shift: float, colour: str, label: str) -> None:
    x = own["days"].to_numpy() ** 0.5 + shift
    known = own["low"].notna().to_numpy()
    axis.vlines(x, own["low"], own["high"], color=colour, lw=2)
    face = [colour if k else "white" for k in known]
    axis.scatter(x, own["gain"], s=26, color=face, edgecolor=colour, zorder=3, label=label)
