"""Forecasts of a person's own sensors."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.book.plots.style import BLUE, GREY, PALETTE, RED, bare, legend_below


def most_uncertain(found: xr.Dataset, count: int = 3) -> list:
    """The sensors whose intervals are widest, widest first."""
    width = (found.upper - found.lower).mean("time").fillna(-1)
    return width.node.values[np.argsort(-width.values)[:count]].tolist()


def band_figure(
    city: xr.Dataset, found: xr.Dataset, sensors: Sequence, hours: int = 6
) -> plt.Figure:
    """The last hours of some sensors and what is forecast for them, with its interval."""
    fig, rows = plt.subplots(
        len(sensors), 1, figsize=(8, 1.9 * len(sensors)), sharex=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    since = city.time.values[-1] - np.timedelta64(hours, "h")
    for axes, sensor in zip(rows[:, 0], sensors, strict=True):
        past, ahead = (
            city.speed.sel(time=slice(since, None), node=sensor),
            found.sel(node=sensor),
        )
        axes.plot(past.time, past, color=GREY, label="measured")
        axes.fill_between(ahead.time, ahead.lower, ahead.upper, color=BLUE, alpha=0.25, lw=0,
                          label="interval")  # fmt: skip
        axes.plot(ahead.time, ahead["mean"], color=BLUE, label="forecast")
        axes.axvline(city.time.values[-1], color=RED, lw=0.8)
        axes.set(ylabel=city.attrs["unit"], title=f"sensor {sensor}")
        bare(axes)
    legend_below(fig, 3)
    return fig


def waiting_figure(errors: pd.DataFrame) -> plt.Figure:
    """How many days must I wait? Error of `backtest` over days of own data, a line a horizon."""
    fig, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    horizons = sorted(errors["minutes"].unique())
    shown = [horizons[k] for k in sorted({0, len(horizons) // 2, len(horizons) - 1})]
    for minutes, colour in zip(shown, PALETTE, strict=False):
        part = errors[errors["minutes"] == minutes].groupby("days")["mae"]
        middle, low, high = part.mean(), part.min(), part.max()
        axes.plot(middle.index, middle, "o-", color=colour, label=f"{minutes:g} min ahead")
        axes.fill_between(middle.index, low, high, color=colour, alpha=0.15, lw=0)
    axes.set(xlabel="days of own data", ylabel=f"mean absolute error, {errors.attrs['unit']}")
    axes.set_ylim(bottom=0)
    bare(axes)
    legend_below(fig, 3)
    return fig
