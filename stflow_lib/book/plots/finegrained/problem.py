"""Figures and tables of the first page: who sees what, what errors want, where work is done."""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.dates import DateFormatter
from torch import nn

from stflow_lib.book.plots.finegrained.maps import SERIES, curve_panel
from stflow_lib.book.plots.style import legend_above
from stflow_lib.finegrained import METHODS, Task, cost
from stflow_lib.finegrained.baselines.urbanpy import LocalConvolution
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.training.method import count_parameters
from stflow_lib.training.metrics import flow_errors

GRIDS = {"coarse grid or coarser": range(33), "in between": [64], "fine grid": [128]}  # rows


def split_figure(task: Task, kept: Mapping[int, torch.Tensor]) -> plt.Figure:
    """All flow over time, a colour per part; dashed: the end of each fraction {percent: samples}.

    A fraction cuts the training part only.
    """
    totals = pd.Series(task.fine.sum((1, 2, 3)).double().numpy(), task.time)
    totals = totals.groupby(level=0).sum()
    fig, axis = plt.subplots(figsize=(11, 3.2), layout="constrained")
    for part, color in zip(("train", "valid", "test"), SERIES, strict=True):
        samples = getattr(task, part)
        own = totals[task.time[samples.min()] : task.time[samples.max()]]
        axis.plot(own.index, own / 1000, color=color, lw=1, label=part)
    for percent, samples in kept.items():
        axis.axvline(task.time[samples[-1]], color="0.6", lw=0.8, ls="--")
        axis.text(task.time[samples[-1]], totals.max() / 920, f"{percent} % ", ha="right",
                  color="0.35")  # fmt: skip
    axis.set(title="who may see what; dashed: where a fraction of the training part ends",
             xlabel="date", ylabel=f"thousand {task.unit.split(' per ')[0]} a step",
             ylim=(0, totals.max() / 800))  # fmt: skip
    axis.xaxis.set_major_formatter(DateFormatter("%d %b"))
    legend_above(axis)
    return fig


def guesses_figure(
    means: np.ndarray, wanted: Mapping[str, np.ndarray], relative: pd.DataFrame
) -> plt.Figure:
    """What each error wants of a Poisson count, and a rule's errors when it is multiplied.

    `wanted`: {error: best guess for each of `means`}; `relative`: error over that of the rule
    as it is, a column per metric, indexed by the number.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for (name, guess), color in zip(wanted.items(), SERIES, strict=True):
        left.plot(means, guess / means, color=color, label=name)
    left.set(title="the best guess for a Poisson count", xlabel="true mean (vehicles per step)",
             ylabel="best guess / true mean", xscale="log", ylim=(-0.05, 1.8))  # fmt: skip
    legend_above(left)
    curve_panel(right, {n: relative[n] for n in relative}, title="HA times a number",
                xlabel="number", ylabel="error / error of HA")  # fmt: skip
    return fig


def rules_figure(
    by_hour: Mapping[str, pd.Series], by_level: Mapping[str, pd.Series], unit: str
) -> plt.Figure:
    """RMSE of the rules by hour of the day and by the flow of the block, both in `unit`."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    curve_panel(left, by_hour, title="by hour of the day", ylim=(0, None), xlabel="hour",
                ylabel=f"RMSE ({unit})", xticks=range(0, 25, 3))  # fmt: skip
    _by_flow(right, by_level, "by flow of the block", unit)
    return fig


def floor_figure(curves: Mapping[str, pd.Series], unit: str) -> plt.Figure:
    """RMSE by the flow of the block, in `unit`: rules, and the true split below them."""
    fig, axis = plt.subplots(figsize=(6.4, 4), layout="constrained")
    _by_flow(axis, curves, "sim-fine: room between HA and the floor", unit)
    return fig


def _by_flow(axis: plt.Axes, curves: Mapping[str, pd.Series], title: str, unit: str) -> None:
    curve_panel(axis, curves, title=title, xscale="log", yscale="log",
                xlabel=f"coarse flow of the block ({unit})",
                ylabel=f"RMSE of a fine cell ({unit})")  # fmt: skip


def work_figure(work: pd.DataFrame, parameters: pd.Series) -> plt.Figure:
    """Billions of multiply-adds of one map, methods down and grids stacked, beside parameters."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 0.32 * len(work) + 1.4), sharey=True,
                                      width_ratios=(1.6, 1), layout="constrained")  # fmt: skip
    start = np.zeros(len(work))
    for (grid, values), color, hatch in zip(
        work.items(), SERIES, ("", "//", ".."), strict=False
    ):
        left.barh(work.index, values, left=start, color=color, hatch=hatch, edgecolor="white",
                  label=grid)  # fmt: skip
        start += values.to_numpy()
    left.set(title="work of one map", xlabel="10$^9$ multiply-adds")
    left.invert_yaxis()
    legend_above(left)
    right.barh(parameters.index, parameters, color="0.55")
    right.set(title="size", xlabel="parameters / 2$^{20}$")
    right.locator_params(axis="x", nbins=5)
    return fig


def turned(task: Task, first: int, last: int) -> torch.Tensor:
    """The fine maps of the task, those of the samples [first, last) turned in their blocks.

    Upside down and left to right: the coarse maps stay as they are.
    """
    fine = task.fine.clone()
    part = fine[first:last].unflatten(3, (-1, task.factor)).unflatten(2, (-1, task.factor))
    fine[first:last] = part.flip(3, 5).flatten(4).flatten(2, 3)
    return fine


def on_meta(kind: type[nn.Module], settings, blank: Task) -> nn.Module:
    """The network for a task without numbers, at any size and for no memory."""
    with torch.device("meta"):
        return kind(blank, settings).eval()


def parameters_by_part(kind: type[nn.Module], settings, blank: Task) -> dict[str, int]:
    """{part: parameters} of a network's direct parts, for a task without numbers."""
    parts = on_meta(kind, settings, blank).named_children()
    return {name: count_parameters(part) for name, part in parts}


def work_by_rows(network: nn.Module, blank: Task) -> dict[int, float]:
    """{rows of the grid: billions of multiply-adds there}, one map through all convolutions."""
    done: dict[int, float] = {}

    def report(layer, inputs, output) -> None:
        read = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        places = 1 if isinstance(layer, LocalConvolution) else read[0, 0].numel()
        rows = output.shape[2]
        done[rows] = done.get(rows, 0) + layer.weight.numel() * places / 1e9

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | LocalConvolution):
            layer.register_forward_hook(report)
    assert network(blank.coarse[:1], blank.external[:1]).shape == blank.fine[:1].shape
    return done


def work_table(kinds: Mapping[str, type[nn.Module]], blank: Task) -> pd.DataFrame:
    """Parameters in 2^20 and billions of multiply-adds by grid: a row per method, paper's size."""
    rows = {}
    for name, kind in kinds.items():
        network = on_meta(kind, METHODS[name].settings(), blank)
        done = work_by_rows(network, blank)
        rows[name] = {"parameters / 2^20": count_parameters(network) / cost.UNIT}
        rows[name] |= {g: sum(done.get(r, 0) for r in sides) for g, sides in GRIDS.items()}
    table = pd.DataFrame(rows).T
    table["all"] = table[[*GRIDS]].sum(axis=1)
    return table


def untrained_table(
    built: Mapping[str, Callable[[], nn.Module]], task: Task, samples: torch.Tensor, seed: int
) -> pd.DataFrame:
    """Parameters, largest relative gap of a block and RMSE of networks as they are born.

    `built`: {method: builds its network}; each is drawn from `seed`.
    """
    rows = {}
    for name, build in built.items():
        torch.manual_seed(seed)
        network = build().eval()
        with torch.inference_mode():
            fine = network(task.coarse[samples], task.external[samples])
        gap, _, _ = block_losses(fine, task.coarse[samples], task.factor)
        rmse = flow_errors(fine, task.fine[samples])["rmse"]
        rows[name] = f"{count_parameters(network):,}", gap, rmse
    columns = ["parameters", "largest relative gap", "rmse"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def error_table(inferred: Mapping[str, np.ndarray], truth: np.ndarray) -> pd.DataFrame:
    """RMSE, MAE and MAPE of inferred maps, a row each; all of the shape of `truth`."""
    errors = {n: flow_errors(torch.as_tensor(fine), torch.as_tensor(truth))
              for n, fine in inferred.items()}  # fmt: skip
    return pd.DataFrame(errors).T


def rmse_by_hour(error: np.ndarray, hour: pd.Index) -> pd.Series:
    """RMSE of the maps [T, rows, cols] of each hour of the day, over all of them."""
    return np.sqrt(pd.Series((error**2).mean((1, 2))).groupby(hour).mean())


def shapes_table(task: Task) -> pd.DataFrame:
    """Shapes of a task's tensors, and how many samples its parts have."""
    shapes = {name: str(tuple(getattr(task, name).shape))
              for name in ("coarse", "fine", "external")}  # fmt: skip
    shapes |= {part: f"{len(getattr(task, part))}" for part in ("train", "valid", "test")}
    return pd.DataFrame({"shape or samples": shapes})


def poisson_guesses(means: np.ndarray) -> dict[str, np.ndarray]:
    """What each error wants of a Poisson count of known mean: its best guess for each mean.

    MAPE weighs a count y by 1 / y, or by 1 where y is zero.
    """
    counts = np.arange(0, 120)
    log_factorial = np.insert(np.cumsum(np.log(counts[1:])), 0, 0.0)
    chance = np.exp(counts * np.log(means[:, None]) - means[:, None] - log_factorial)
    return {"RMSE: mean": means, "MAE: median": _median(chance),
            "MAPE: weighted median": _median(chance / np.maximum(counts, 1))}  # fmt: skip


def _median(weight: np.ndarray) -> np.ndarray:
    """Weighted median of the counts 0, 1, ..., one per row of `weight` [mean, count]."""
    return (np.cumsum(weight, 1) < weight.sum(1, keepdims=True) / 2).sum(1)
