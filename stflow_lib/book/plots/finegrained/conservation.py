"""What the last layer keeps: sums of blocks, weights, relative errors, and repairs."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stflow_lib import runs
from stflow_lib.book.plots.style import BLUE, GREEN, RED, bare
from stflow_lib.finegrained import Task
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.runs import Rows
from stflow_lib.training.method import Predictor
from stflow_lib.training.metrics import FlowErrors

Change = Callable[[Tensor, Tensor], Tensor]  # fine [B, 1, HM, WM], coarse -> fine
MAPE_PARTS = ("empty blocks", "empty cells elsewhere", "cells with vehicles")
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


def sums_figure(sums: Mapping[str, tuple], unit: str) -> plt.Figure:
    """Sum of fine cells against the coarse cell they belong to, a panel per last layer.

    `sums`: {form: (coarse [N], sum of fine cells [N])}, forms as in `FORMS` or any other name.
    """
    fig, axes = plt.subplots(1, len(sums), figsize=(3.5 * len(sums), 3.7), sharex=True,
                             layout="constrained", squeeze=False)  # fmt: skip
    for axis, (form, (coarse, total)) in zip(axes[0], sums.items(), strict=True):
        axis.scatter(coarse, total, s=7, alpha=0.35, lw=0, color=FORMS.get(form, "0.55"))
        edge = [0, float(np.max(coarse))]
        axis.plot(edge, edge, color="black", lw=0.8, ls="--", label="equal")
        gap = np.abs(np.asarray(total) - coarse).mean()
        axis.set(title=f"{form}: {gap:.3g} off on average", xlabel=f"coarse cell ({unit})")
        bare(axis)
    axes[0, 0].set_ylabel(f"sum of its fine cells\n({unit})")
    axes[0, 0].legend(frameon=False, loc="upper left")
    return fig


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
    axis.legend(frameon=False, loc="lower right")
    bare(axis, "x")
    return fig


def weights_figure(denominators, largest, groups: Mapping[str, np.ndarray]) -> plt.Figure:
    """Signed scores: where weights explode, and how many blocks have one beyond 1.

    `denominators`, `largest` [N]: sum of the scores of a block and its largest |weight|, of
    untrained networks; `groups`: {name: largest |weight| [N]} of whole test sets. A weight
    beyond 1 gives a fine cell more vehicles than its whole block has.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.9), layout="constrained")
    sums, weights = np.abs(np.asarray(denominators)), np.asarray(largest)
    for chosen, colour, name in (
        (weights <= 1, BLUE, "at most 1"),
        (weights > 1, RED, "beyond"),
    ):
        left.scatter(sums[chosen], weights[chosen], s=8, lw=0, alpha=0.4, color=colour,
                     label=f"{name}: {chosen.mean():.1%} of blocks")  # fmt: skip
    left.axhline(1, color="0.4", lw=0.8, ls="--")
    left.set(title="untrained: small sums, large weights", xscale="log", yscale="log",
             xlabel="|sum of the block's scores|",
             ylabel="largest |weight| of the block")  # fmt: skip
    left.legend(frameon=False, fontsize=8)
    for (name, values), colour in zip(groups.items(), ("0.55", RED, BLUE), strict=False):
        ordered = np.sort(np.asarray(values))[::-1]
        right.plot(
            ordered, (1 + np.arange(len(ordered))) / len(ordered), color=colour, label=name
        )
    right.axvline(1, color="0.4", lw=0.8, ls="--")
    right.set(title="how many blocks are beyond", xscale="log", yscale="log",
              xlabel="largest |weight| of the block", ylabel="share of blocks above")  # fmt: skip
    right.legend(frameon=False, fontsize=8)
    for axis in (left, right):
        bare(axis)
    return fig


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
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    bare(axis, "x")
    return fig


def block_sums(fine: Tensor, factor: int) -> Tensor:
    """Sums over the M x M blocks: [B, 1, HM, WM] -> [B, 1, H, W], in double precision."""
    return F.avg_pool2d(fine.double(), factor) * factor**2


def errors_and_losses(predict: Predictor, task: Task, change: Change | None = None) -> dict:
    """Errors over the test part, vehicles lost and invented per map, and negative cells.

    `change` is applied to the predicted maps first. A network that loses in one block and
    invents in the next has both.
    """
    errors, lost, invented, negative = FlowErrors(), 0.0, 0.0, 0
    for indices in task.test.split(128):
        fine, coarse = predict(task, indices), task.coarse[indices]
        fine = change(fine, coarse) if change else fine
        errors.add(fine, task.fine[indices])
        gap = block_sums(fine, task.factor) - coarse
        lost, invented = lost - gap.clamp(max=0).sum(), invented + gap.clamp(min=0).sum()
        negative += int((fine < 0).sum())
    maps = len(task.test)
    return errors.result() | {"lost": float(lost) / maps, "invented": float(invented) / maps,
                              "negative": negative / task.fine[task.test].numel()}  # fmt: skip


def scores_and_weights(
    network: nn.Module, maps: Tensor, external: Tensor
) -> tuple[Tensor, Tensor]:
    """Of every full block: sum of the raw scores that enter the split, and largest |weight|.

    The weight of a cell is its score over the sum of its block.
    """
    last = next(m for m in network.modules() if isinstance(m, Split))
    seen: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network.eval()(maps, external)
    hook.remove()
    factor = seen[0].shape[2] // maps.shape[2]
    total, size = block_sums(seen[0], factor), F.max_pool2d(seen[0].double().abs(), factor)
    return total[maps > 0], (size / (total + 1e-5).abs())[maps > 0]


def largest_weights(fine: Tensor, coarse: Tensor) -> np.ndarray:
    """max |fine| / coarse of every full block: beyond 1, a cell has more than its block."""
    peak = F.max_pool2d(fine.double().abs(), fine.shape[2] // coarse.shape[2])
    return (peak / coarse.clamp_min(1e-9))[coarse > 0].cpu().numpy()


def changes_in_percent(repaired: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Errors of each (method, form) against the form "as trained": method, metric, percent."""
    before = repaired.xs("as trained", level="form")
    changes = [
        (f"{name}: {form}", metric.upper(), 100 * (row[metric] / before.loc[name, metric] - 1))
        for (name, form), row in repaired.iterrows() if form != "as trained" for metric in metrics
    ]  # fmt: skip
    return pd.DataFrame(changes, columns=["method", "metric", "percent"])


def mape_parts(predict: Predictor, task: Task) -> dict[str, float]:
    """MAPE over the test part as a sum of three parts, by the kind of cell (`MAPE_PARTS`)."""
    sums = torch.zeros(3, dtype=torch.float64)
    for indices in task.test.split(128):
        truth = task.fine[indices].double()
        error = (predict(task, indices).double() - truth).abs() / truth.where(truth != 0, 1.0)
        parent = F.interpolate(task.coarse[indices], scale_factor=task.factor)
        kinds = (parent == 0, (parent > 0) & (truth == 0), truth > 0)
        sums += torch.stack([error[kind].sum() for kind in kinds]).cpu()
    return dict(zip(MAPE_PARTS, (sums / task.fine[task.test].numel()).tolist(), strict=True))
