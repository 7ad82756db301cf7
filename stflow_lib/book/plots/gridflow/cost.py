"""What balancing costs: a few steps timed, ratios beside printed ones, growth with the city."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.book.plots.style import BLUE, RED, bare, plain_ticks
from stflow_lib.gridflow import METHODS, Task
from stflow_lib.gridflow.plan import FEW_SHOT_ONLY
from stflow_lib.runs import Rows, Run
from stflow_lib.runs.pair import split_pair
from stflow_lib.training import cost

Points = tuple[Sequence[float], Sequence[float]]  # sizes, costs
AGREES = 1.15  # a ratio agrees with the printed one up to this factor


def short_settings(method: str, size: dict, changes: dict, batch: int):
    """A method's settings for two steps on the source and nothing else, before them or after."""
    short = {"epochs": 1, "epoch_steps": 2, "batch": batch, "valid_every": 10**6}
    before = {"selection": {"first": 0}} if method == "CrossTReS" else {}
    changes = runs.merged({"backbone": size, "source": short, **before}, changes)
    settings = runs.build_settings(METHODS[method], changes)
    return replace(settings, target=replace(settings.target, epochs=0))


def two_steps(task: Task, method: str, size: dict, changes: dict, batch: int) -> partial:
    """Two source steps of a method, to be called later or elsewhere."""
    settings = short_settings(method, size, changes, batch)
    return partial(METHODS[method].fit, task, settings, 0, None)


def step_seconds(task: Task, method: str, size: dict, changes: dict, batch: int) -> float:
    """Processor seconds of a mean source step.

    CrossTReS looks ahead in the first of every so many steps.
    """
    first, second = cost.step_seconds(two_steps(task, method, size, changes, batch))
    settings = short_settings(method, size, changes, batch)
    every = settings.selection.every if method == "CrossTReS" else 2
    return (first + (every - 1) * second) / every


def ratios_to(turned: Mapping[str, Sequence[float]], base: str) -> dict[str, np.ndarray]:
    """Least, median and largest ratio to the base of the same turn, by name; of one turn the ratio
    alone, without a spread.
    """
    found = {name: np.divide(values, turned[base]) for name, values in turned.items()}
    return {
        name: np.quantile(r, [0, 0.5, 1]) if len(r) > 1 else np.array([np.nan, r[0], np.nan])
        for name, r in found.items()
    }


def table3(
    memory: Mapping[str, Sequence[float]],
    seconds: Mapping[str, Sequence[float]],
    printed: pd.DataFrame,
    base: str,
) -> pd.DataFrame:
    """Measured multiples of the base's cost beside printed ones, as `ratios_figure` takes them.

    `memory` and `seconds`: by turns; `printed`: the paper's Table 3, methods down.
    """
    rows = [
        {"method": m, "quantity": quantity, "low": low, "ours": ours, "high": high,
         "printed": printed.at[m, column] / printed.at[base, column]}
        for quantity, column, found in (("peak memory", "peak_memory_gb", memory),
                                        ("training time", "training_time_h", seconds))
        for m, (low, ours, high) in ratios_to(found, base).items() if m != base
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    off = table["ours"] / table["printed"]
    words = np.select([off > AGREES, off < 1 / AGREES], ["higher", "lower"], "agrees")
    return table.assign(verdict=words)


def beside_print(table: pd.DataFrame, method: str) -> str:
    """Whether a method's multiples agree with the printed ones; `table`: of `table3`."""
    words = [
        f"{row.quantity} {'agrees with' if row.verdict == 'agrees' else f'is {row.verdict} than'} "
        f"the printed {row.printed:.2f} ({row.ours:.2f}"
        + (f", {row.low:.2f} to {row.high:.2f})" if row.low == row.low else ")")
        for row in table[table["method"] == method].itertuples()
    ]
    return f"{method}: {'; '.join(words)}."


def tied_case(count: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Representations d [R, 256] and a similarity [R, R] in which some pairs tie."""
    unit = torch.nn.functional.normalize(torch.randn(count, 8, dtype=torch.float64), dim=1)
    return torch.randn(count, 256, dtype=dtype), (unit @ unit.T).mul(50).round()


def source_trainings(rows: Rows) -> dict[str, int]:
    """How many runs train on a source, and how many different trainings these are."""
    learning = [
        run
        for run in dict.fromkeys(run for group in rows.values() for run in group)
        if hasattr(runs.build_settings(METHODS[run.method], run.settings), "source")
    ]
    distinct = {_training_of(run) for run in learning}
    return {"runs that transfer": len(learning), "source trainings": len(distinct)}


def _training_of(run: Run) -> tuple:
    """What names a training on the source; that of a few-shot method is for one target."""
    if run.method in FEW_SHOT_ONLY:
        return (run.key,)
    own = {name: value for name, value in run.settings.items() if name != "target"}
    return run.method, split_pair(run.city)[0], run.seed, json.dumps(own, sort_keys=True)


def ratios_figure(rows: pd.DataFrame, base: str) -> plt.Figure:
    """Measured and printed multiples of one method's cost, a panel per quantity.

    `rows`: method, quantity, ours, low, high (between turns; NaN: not known), printed.
    """
    kinds = list(dict.fromkeys(rows["quantity"]))
    methods = list(dict.fromkeys(rows["method"]))
    fig, axes = plt.subplots(1, len(kinds), figsize=(8.4, 0.55 * len(methods) + 1.9),
                             sharey=True, squeeze=False, layout="constrained")  # fmt: skip
    for axis, kind in zip(axes[0], kinds, strict=True):
        some = rows[rows["quantity"] == kind]
        y = np.array([len(methods) - 1 - methods.index(m) for m in some["method"]])
        axis.hlines(y, some["printed"], some["ours"], color="0.8", lw=2, zorder=1)
        axis.hlines(y, some["low"], some["high"], color=BLUE, lw=5, alpha=0.4, zorder=2)
        axis.scatter(some["ours"], y, s=58, color=BLUE, zorder=3, label="measured here")
        axis.scatter(some["printed"], y, s=66, facecolor="none", edgecolor="black", lw=1.4,
                     zorder=4, label="printed in Table 3")  # fmt: skip
        axis.axvline(1, color="0.3", lw=0.9, ls="--")
        axis.set(title=kind, xscale="log", xlabel=f"multiples of {base}'s (log scale)")
        axis.set_yticks(range(len(methods)), methods[::-1])
        axis.set_ylim(-0.6, len(methods) - 0.4)
        _round_ticks(axis, pd.concat([some[c] for c in ("ours", "printed", "low", "high")]))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, frameon=False, loc="outside upper center", ncols=2)
    return fig


def _round_ticks(axis: plt.Axes, values: pd.Series) -> None:
    """A logarithmic axis around `values` and 1, with few round numbers."""
    bare(axis)
    plain_ticks(axis.xaxis)
    low, high = min(values.min(), 1.0), max(values.max(), 1.0)
    axis.set_xlim(0.8 * low, 1.25 * high)


def growth_figure(
    panels: Mapping[str, Mapping[str, Points]], exponents: Mapping[str, str], marked: int
) -> plt.Figure:
    """Cost against the number of regions on logarithmic axes, a panel per quantity with unit.

    panels: {"seconds ...": {form: (regions, costs)}}; exponents: text behind a form's name in
    the first panel; `marked`: the city at which forms are compared. No cost, no point.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(8.4, 3.9), squeeze=False,
                             layout="constrained")  # fmt: skip
    for place, (axis, (what, forms)) in enumerate(zip(axes[0], panels.items(), strict=True)):
        for (form, (sizes, costs)), colour in zip(forms.items(), (BLUE, RED), strict=False):
            label = f"{form}{exponents.get(form, '')}" if not place else None
            known = np.where(np.asarray(costs) > 0, costs, np.nan)
            axis.plot(sizes, known, marker="o", color=colour, label=label)
        axis.axvline(marked, color="0.3", lw=0.9, ls="--")
        axis.text(marked, 0.02, f" R = {marked}", transform=axis.get_xaxis_transform(),
                  va="bottom", fontsize=9)  # fmt: skip
        axis.set(title=what.partition(" (")[0], xlabel="regions R", ylabel=what,
                 xscale="log", yscale="log")  # fmt: skip
        bare(axis)
        low, high = axis.get_ylim()
        plain_ticks(axis.yaxis, (1,) if high > 100 * low else (1, 2, 5))
        every = sorted({int(s) for sizes, _ in forms.values() for s in sizes})
        shown = [s for s in every if s & (s - 1) == 0] or every
        axis.set_xticks(shown, [str(s) for s in shown])
        axis.set_xticks([], minor=True)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, frameon=False, loc="outside upper center", ncols=2)
    return fig


def bars_figure(
    values: Mapping[str, float], what: str, title: str, notes: Sequence[str] = ()
) -> plt.Figure:
    """One bar per name, longest first, with its number, or its note, at the end."""
    order = sorted(values, key=values.get, reverse=True)
    said = dict(zip(values, notes, strict=True)) if notes else {}
    fig, axis = plt.subplots(figsize=(7.6, 0.36 * len(order) + 1.5), layout="constrained")
    y = np.arange(len(order))[::-1]
    axis.barh(y, [values[n] for n in order], color=BLUE, height=0.65)
    for place, name in zip(y, order, strict=True):
        text = said.get(name, f"{values[name]:.3g}")
        axis.annotate(text, (values[name], place), (5, 0), textcoords="offset points",
                      va="center", fontsize=9)  # fmt: skip
    axis.set_yticks(y, order)
    axis.set_xlim(right=1.22 * max(values.values()))
    axis.set(title=title, xlabel=what)
    bare(axis, "x")
    return fig
