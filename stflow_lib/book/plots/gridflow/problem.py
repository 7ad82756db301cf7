"""Pictures of the cross-city problem: demand maps, windows, who may see what, errors by type.

Maps are [rows, cols] in trips per step. A quantity is coloured by cividis, a signed one by PuOr;
cells that take no part are grey.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import LogNorm, PowerNorm

from stflow_lib.book.plots.style import BLUE, GREEN, ORANGE, PALETTE, RED, legend_above
from stflow_lib.gridflow import Protocol
from stflow_lib.verdicts.claims import reported

BLANK = "0.85"
PARTS = {
    "trains": BLUE, "few-shot": RED, "not to be seen": BLANK,
    "chooses the epoch": ORANGE, "test": GREEN,
}  # fmt: skip
SERIES = PALETTE[:6]
Spans = Sequence[tuple[str, float, float]]  # part, first day, last day


def gini(values: np.ndarray) -> float:
    """Gini coefficient. 0: all have the same, 1: one has all."""
    x = np.sort(values.ravel()).astype(float)
    return 2 * (np.arange(1, len(x) + 1) @ x) / (len(x) * x.sum()) - (len(x) + 1) / len(x)


def demand_table(cities: Mapping[str, xr.Dataset], steps: int) -> pd.DataFrame:
    """How the pick-ups of the first steps are spread over each city's cells."""
    return pd.DataFrame([_demand(c.flow.values[:steps, 0]) for c in cities.values()], [*cities])


def _demand(flow: np.ndarray) -> dict[str, str | float]:
    active = flow.max(0) > 0
    return {
        "hours": f"{len(flow):,}", "active cells": f"{active.sum()} of {active.size}",
        "mean": flow[:, active].mean(), "largest": flow.max(),
        "zero (%)": 100 * (flow[:, active] == 0).mean(), "Gini over cells": gini(flow.mean(0)),
    }  # fmt: skip


def table1(cities: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """The paper's Table 1 as printed, and the same columns for some cities of ours."""
    told = reported("stbat", "Table 1").pivot(index="target", columns="metric", values="value")
    ends = told.filter(like="span").astype(int).astype(str).apply(pd.to_datetime)
    printed = pd.DataFrame({
        "regions": told["n_regions"], "first day": ends.min(axis=1), "last day": ends.max(axis=1),
        "taxi trips (million)": told["taxi_trips_millions"],
        "bike trips (million)": told["bike_trips_millions"],
    })  # fmt: skip
    ours = pd.DataFrame({name: _size(name, city) for name, city in cities.items()}).T
    both = pd.concat({"printed": printed, "here": ours}).rename_axis(["", "city"])
    for day in ("first day", "last day"):
        both[day] = pd.to_datetime(both[day]).dt.date
    trips = [column for column in both if "trips" in column]
    return both.astype({"regions": int} | dict.fromkeys(trips, float))


def _size(name: str, city: xr.Dataset) -> dict:
    mode = "bike" if "bike" in name else "taxi"
    return {"regions": city.sizes["row"] * city.sizes["col"],
            "first day": city.time.values[0], "last day": city.time.values[-1],
            f"{mode} trips (million)": float(city.flow[:, 0].sum()) / 1e6}  # fmt: skip


def split_rows(
    names: tuple[str, str], protocol: Protocol, first: int, day: int
) -> dict[str, list[tuple[str, float, float]]]:
    """Which days of source and target serve for what, as `splits_figure` takes them.

    names: of source and target; first: step at which the few-shot days begin.
    """
    cut = protocol
    span = lambda part, start, end: (part, start / day, end / day)
    rest = [span("chooses the epoch", cut.valid, cut.test), span("test", cut.test, cut.steps)]
    lender = [span("trains", 0, cut.source_valid),
              span("chooses the epoch", cut.source_valid, cut.source_steps)]  # fmt: skip
    few = [span("not to be seen", 0, first), span("few-shot", first, cut.valid)]
    return {
        f"source: {names[0]}": lender,
        f"target, few-shot: {names[1]}": [*few, *rest],
        "target, zero-shot": [span("not to be seen", 0, cut.valid), *rest],
        "target, full history": [span("trains", 0, cut.valid), *rest],
    }


def cities_figure(maps: Mapping[str, np.ndarray], unit: str) -> plt.Figure:
    """Mean demand of every city's cells on one logarithmic scale."""
    width = sum(values.shape[1] / values.shape[0] for values in maps.values())
    fig, axes = plt.subplots(
        1, len(maps), figsize=(min(2.4 * width + 2.0, 13), 3.7), squeeze=False,
        layout="constrained", width_ratios=[v.shape[1] / v.shape[0] for v in maps.values()],
    )  # fmt: skip
    full = np.concatenate([values[values > 0] for values in maps.values()])
    norm = LogNorm(max(np.quantile(full, 0.03), full.max() / 1e4), full.max())
    for axis, (name, values) in zip(axes[0], maps.items(), strict=True):
        image = _map(axis, values, norm)
        axis.set_title(f"{name}\n{values.shape[0]} x {values.shape[1]} cells", fontsize=10)
        axis.set_xlabel("column (cells)")
    axes[0, 0].set_ylabel("row (cells)")
    fig.colorbar(image, ax=axes, label=unit, extend="min", shrink=0.9)
    return fig


def _map(axis: plt.Axes, values: np.ndarray, norm):
    axis.set_facecolor(BLANK)
    axis.locator_params(nbins=5, integer=True)
    shown = np.ma.masked_less_equal(values, 0)
    return axis.imshow(shown, norm=norm, cmap="cividis", interpolation="nearest")


def window_figure(
    window: np.ndarray, label: np.ndarray, hours: Sequence[str], unit: str, title: str
) -> plt.Figure:
    """The maps [L, H, W] a method reads and the map [H, W] it is asked for, on one scale.

    hours: L + 1 names, the last that of the label.
    """
    maps = [*window, label]
    fig, axes = plt.subplots(1, len(maps), figsize=(12, 2.9), layout="constrained")
    norm = PowerNorm(0.5, 0, max(m.max() for m in maps))
    for axis, values, hour in zip(axes, maps, hours, strict=True):
        image = axis.imshow(values, norm=norm, cmap="cividis", interpolation="nearest")
        axis.set(title=hour, xticks=[], yticks=[])
    for side in axes[-1].spines.values():
        side.set(color=PARTS["few-shot"], linewidth=3)
    axes[-1].set_title(f"{hours[-1]}: wanted", color=PARTS["few-shot"])
    fig.colorbar(image, ax=axes, label=unit, shrink=0.8)
    fig.suptitle(title, fontsize=11)
    return fig


def splits_figure(rows: Mapping[str, Spans], title: str) -> plt.Figure:
    """Which days of which city serve for what; each row a list of (part of PARTS, from, to)."""
    fig, axis = plt.subplots(figsize=(10, 0.65 * len(rows) + 1.7), layout="constrained")
    seen = {}
    for place, spans in enumerate(rows.values()):
        for part, first, last in spans:
            bar = axis.barh(place, last - first, left=first, color=PARTS[part], height=0.7)
            seen.setdefault(part, bar)
    axis.set_yticks(range(len(rows)), rows)
    axis.invert_yaxis()
    axis.set(title=title, xlabel="day of the record")
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params("y", length=0)
    order = [part for part in PARTS if part in seen]
    fig.legend([seen[p] for p in order], order, loc="outside lower center", ncols=len(order),
               frameon=False)  # fmt: skip
    return fig


def rules_figure(
    errors: Mapping[str, pd.Series], unit: str, marks: Mapping[str, pd.Series], mark: str
) -> plt.Figure:
    """One panel of bars for each city; black ticks where `marks` knows a number of that name."""
    fig, axes = plt.subplots(
        1, len(errors), figsize=(min(3.1 * len(errors) + 1.6, 13), 3.3), squeeze=False,
        sharey=True, layout="constrained",
    )  # fmt: skip
    for axis, (city, series) in zip(axes[0], errors.items(), strict=True):
        best = series.idxmin()
        colours = [SERIES[0] if name == best else "0.7" for name in series.index]
        axis.barh(range(len(series)), series, color=colours, height=0.65)
        known = marks.get(city, pd.Series(dtype=float)).reindex(series.index)
        axis.plot(known, range(len(series)), ls="", marker="|", ms=17, mew=2, color="black",
                  label=mark)  # fmt: skip
        axis.set(title=city, xlabel=f"RMSE ({unit})")
    axes[0, 0].set_yticks(range(len(series)), series.index)
    axes[0, 0].invert_yaxis()
    if marks:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center",
                   frameon=False)  # fmt: skip
    return fig


def types_figure(
    shares: pd.DataFrame, errors: pd.DataFrame, unit: str, floor: str
) -> plt.Figure:
    """Left: share of each type of region (rows) in each city (columns), %. Right: RMSE by type.

    The column `floor` of errors is drawn as black ticks, the others as bars.
    """
    fig, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), sharey=True, layout="constrained", width_ratios=(1, 1.4)
    )
    _grouped(left, shares, ("0.35", "0.7", "0.85"))
    left.set(title="how common a type is", xlabel="share of the cells (%)")
    _grouped(right, errors.drop(columns=floor), SERIES)
    right.plot(errors[floor], range(len(errors)), ls="", marker="|", ms=26, mew=2,
               color="black", label=floor)  # fmt: skip
    right.set(title="error by type, target's test", xlabel=f"RMSE ({unit})")
    left.set_yticks(range(len(shares)), shares.index)
    left.invert_yaxis()
    names = [axis.get_legend_handles_labels() for axis in (left, right)]
    fig.legend(*(one + two for one, two in zip(*names, strict=True)), ncols=3,
               loc="outside lower center", frameon=False)  # fmt: skip
    return fig


def _grouped(axis: plt.Axes, frame: pd.DataFrame, colours: Sequence[str]) -> None:
    """Bars side by side: rows of the frame along y, one colour for each column."""
    height = 0.8 / frame.shape[1]
    for (k, (name, values)), colour in zip(enumerate(frame.items()), colours, strict=False):
        at = np.arange(len(frame)) - 0.4 + (k + 0.5) * height
        axis.barh(at, values, height=height, color=colour, label=name)


def weights_figure(weights: np.ndarray, title: str) -> plt.Figure:
    """A linear rule [hours of the day, L + 1]: what each past hour counts for, by hour."""
    fig, axis = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
    lags, most = weights.shape[1] - 1, np.abs(weights).max()
    image = axis.imshow(weights, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
    names = [f"{back} h" for back in range(lags, 0, -1)]
    axis.set_xticks(range(lags + 1), [*names, "constant"])
    axis.set(title=title, xlabel="before the label", ylabel="hour of the day of the label",
             yticks=range(0, 24, 3))  # fmt: skip
    fig.colorbar(image, ax=axis, label="weight")
    return fig


def scarcity_figure(
    errors: pd.DataFrame, levels: Mapping[str, float], unit: str, title: str
) -> plt.Figure:
    """RMSE against days of target data (index), one line for each column; levels are dashed."""
    fig, axis = plt.subplots(figsize=(7.4, 4), layout="constrained")
    at = np.arange(len(errors))
    for (name, values), colour in zip(errors.items(), SERIES, strict=False):
        axis.plot(at, values, marker="o", color=colour, label=name)
    for (name, level), dash in zip(levels.items(), ("--", ":", "-."), strict=False):
        axis.axhline(level, color="0.4", ls=dash, lw=1.2, label=name)
    axis.set_xticks(at, errors.index)
    axis.set(title=title, xlabel="days of target data", ylabel=f"RMSE ({unit})")
    legend_above(axis)
    return fig
