"""Tables and pictures of what last layers keep: block sums, weights, relative errors, repairs."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.plots.finegrained.last_layers import OVER
from stflow_lib.book.plots.style import BLUE, GREEN, RED, bare, legend_above
from stflow_lib.runs import Rows

FORMS = {"none": RED, "m2_signed": GREEN, "m2": BLUE}  # constraint -> colour


def recorded_costs(labelled: Rows) -> pd.DataFrame:
    """Errors and largest gap of each "METHOD, FORM" that has a record, its first."""
    names = {"metric_rmse": "rmse", "metric_mae": "mae", "metric_mape": "mape",
             "metric_conservation": "largest gap"}  # fmt: skip
    rows = {
        label: {name: record[field] for field, name in names.items()}
        for label, group in labelled.items()
        for record in runs.records(group[:1])
    }
    return pd.DataFrame(rows, index=[*names.values()]).T.rename_axis("method, last layer")


def mape_ratios(costs: pd.DataFrame) -> pd.DataFrame:
    """MAPE of each form over that of `m2`: methods down, forms across, NaN where one has not run.

    `costs`: as `recorded_costs` returns it.
    """
    if costs.empty:
        return pd.DataFrame(columns=[*FORMS])
    places = costs.index.str.rsplit(", ", n=1, expand=True)
    mape = costs["mape"].set_axis(places).unstack().reindex(columns=[*FORMS])
    return mape.div(mape["m2"], axis=0).dropna(subset="m2")


def sums_figure(
    sums: Mapping[str, pd.DataFrame], off: Mapping[str, float], unit: str
) -> plt.Figure:
    """Sum of fine cells against the coarse cell they belong to, a panel per last layer.

    `sums`: form (as in `FORMS`, or any name) -> quantiles low, median and high of the sum by the
    coarse cell; `off`: form -> mean distance of the two.
    """
    fig, axes = plt.subplots(1, len(sums), figsize=(3.5 * len(sums), 3.7), sharex=True,
                             sharey=True, layout="constrained", squeeze=False)  # fmt: skip
    for axis, (form, found) in zip(axes[0], sums.items(), strict=True):
        _band(axis, found, FORMS.get(form, "0.55"))
        edge = [0, found.index.max()]
        axis.plot(edge, edge, color="black", lw=0.8, ls="--", label="equal")
        axis.set(title=f"{form}: {off[form]:.3g} off on average", xscale="symlog",
                 yscale="symlog", xlabel=f"coarse cell ({unit})")  # fmt: skip
        bare(axis)
    axes[0, 0].set_ylabel(f"sum of its fine cells\n({unit})")
    legend_above(axes[0, 0])
    return fig


def _band(axis: plt.Axes, found: pd.DataFrame, colour: str) -> None:
    """The median over the index, between the 5 % and the 95 % quantile."""
    axis.fill_between(found.index, found["low"], found["high"], color=colour, alpha=0.3, lw=0,
                      label="9 of 10 blocks")  # fmt: skip
    axis.plot(found.index, found["median"], "-o", ms=3, color=colour, label="median block")


def relative_error_figure(printed: pd.DataFrame, rule: str) -> plt.Figure:
    """MAPE of every printed row as a multiple of a rule's on the same set, by group of methods.

    `printed`: method, dataset, group, ratio; a row on the line does as well as the rule.
    """
    methods = list(dict.fromkeys(printed["method"]))
    fig, axis = plt.subplots(figsize=(7.6, 0.3 * len(methods) + 1.5), layout="constrained")
    for (group, rows), colour in zip(
        printed.groupby("group", sort=False), (RED, BLUE), strict=False
    ):
        y = [len(methods) - 1 - methods.index(m) for m in rows["method"]]
        axis.scatter(rows["ratio"], y, s=34, color=colour, alpha=0.75, lw=0, label=group)
    axis.axvline(1, color="0.3", lw=0.9, ls="--")
    axis.set_yticks(range(len(methods)), methods[::-1])
    axis.set(title=f"MAPE over that of {rule}, printed numbers, a point per data set",
             xlabel=f"MAPE / MAPE of {rule}")  # fmt: skip
    legend_above(axis)
    bare(axis, "x")
    return fig


def weights_figure(cancelled: pd.DataFrame, above: Mapping[str, pd.Series]) -> plt.Figure:
    """Signed scores: where weights explode, and how many blocks have one beyond 1.

    `cancelled`: quantiles low, median and high of the largest |weight| of a block by the |sum| of
    its scores, of untrained networks; `above`: {name: share of blocks whose largest |weight| is
    at least the index}. A weight beyond 1 gives a fine cell more than its whole block has.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.9), layout="constrained")
    _band(left, cancelled, RED)
    left.set(title="untrained: small sums, large weights", xscale="log", yscale="log",
             xlabel="|sum of the block's scores|",
             ylabel="largest |weight| of the block")  # fmt: skip
    legend_above(left)
    for (name, shares), colour in zip(above.items(), ("0.55", RED, BLUE), strict=False):
        right.plot(shares[shares > 0], color=colour, label=name)
    right.set(title="how many blocks are beyond", xscale="log", yscale="log",
              xlabel="largest |weight| of the block", ylabel="share of blocks above")  # fmt: skip
    legend_above(right)
    for axis, line in ((left, left.axhline), (right, right.axvline)):
        line(1, color="0.4", lw=0.8, ls="--")
        bare(axis)
    return fig


def beyond_in_words(shares: pd.Series) -> str:
    """How many blocks have a weight beyond 1, and the largest of all."""
    return (f"{shares[OVER]:.2%} of blocks beyond 1, largest "
            f"{shares.index[shares > 0].max():.3g}")  # fmt: skip


def changes_figure(changes: pd.DataFrame, what: str) -> plt.Figure:
    """What rescaling after the fact changes, in percent: a row per method, a marker per metric.

    `changes`: method, metric, percent; left of zero the error fell.
    """
    methods = list(dict.fromkeys(changes["method"]))
    fig, axis = plt.subplots(figsize=(7.6, 0.42 * len(methods) + 1.7), layout="constrained")
    marks = zip(changes.groupby("metric", sort=False), "osD", (BLUE, RED, GREEN), strict=False)
    for (metric, rows), marker, colour in marks:
        y = [len(methods) - 1 - methods.index(m) for m in rows["method"]]
        axis.scatter(rows["percent"], y, s=48, marker=marker, color=colour, label=metric)
    axis.axvline(0, color="0.3", lw=0.9)
    axis.set_yticks(range(len(methods)), methods[::-1])
    axis.set_ylim(-0.6, len(methods) - 0.4)
    axis.set(title=what, xlabel="change of the error, % (left: better)")
    legend_above(axis)
    bare(axis, "x")
    return fig


def changes_in_percent(repaired: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Errors of each (method, form) against the form "as trained": method, metric, percent."""
    before = repaired.xs("as trained", level="form")
    changes = [
        (f"{name}: {form}", metric.upper(), 100 * (row[metric] / before.loc[name, metric] - 1))
        for (name, form), row in repaired.iterrows() if form != "as trained" for metric in metrics
    ]  # fmt: skip
    return pd.DataFrame(changes, columns=["method", "metric", "percent"])
