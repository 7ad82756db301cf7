"""A TSJT network trained in front of the reader: its curves, errors, gradients and steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from stflow_lib.kernels import skewed_direction
from stflow_lib.speedgraph.problem.scoring import score
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.losses import (
    masked_mae,
    predict,
    source_loss,
    validation_mae,
)
from stflow_lib.speedgraph.tsjt.agreement import gradient_log
from stflow_lib.speedgraph.tsjt.joint import joint_loss
from stflow_lib.speedgraph.tsjt.method import TSJT, TSJTSettings
from stflow_lib.speedgraph.tsjt.tsb import Gradients
from stflow_lib.training.loop import train
from stflow_lib.training.method import count_parameters


@dataclass(frozen=True)
class Trained:
    """A network, its curves by epoch and the target's errors on the test days."""

    network: TSJT
    curves: Mapping[str, list[float]]
    errors: Mapping[str, float]


def operators_of(network: TSJT, task: Task) -> dict[str, tuple[Tensor, ...]]:
    """What a network wants to know of the graph of each city, by name."""
    return {c.name: network.operators(c.weights) for c in (task.target, *task.sources)}


def parameter_counts(network: TSJT) -> dict[str, int]:
    """Parameters of the parts and of all."""
    return {
        "encoder": count_parameters(network.prompting.encoder),
        "bank": network.prompting.bank.numel(),
        "backbone": count_parameters(network.backbone),
        "all": count_parameters(network),
    }


def train_watched(task: Task, settings: TSJTSettings, seed: int, draws: int) -> Trained:
    """Train; after each epoch forecast the third day, compare gradients on `draws` batches."""
    torch.manual_seed(seed)
    network = TSJT(task, settings)
    city, roads = task.target, operators_of(network, task)

    def look() -> dict[str, float]:
        log = gradient_log(network, task, roads, settings.step,
                           source_windows=settings.sources, draws=draws)  # fmt: skip
        return {"valid_mae": validation_mae(network, city, roads, city.valid)} | log

    loss = partial(joint_loss, network, task, roads, settings)
    history = train(network, loss, city.train, look, settings.training, seed=seed)
    errors = score(task, lambda _, steps: predict(network, roads, task, steps))["parts"]
    return Trained(network, history.curves, errors)


def agreement_by_batch(
    network: TSJT, task: Task, settings: TSJTSettings, draws: int, sizes: Sequence[int]
) -> pd.DataFrame:
    """Cosine and conflict of both gradients, all layers, by the number of target windows.

    Source windows grow with them; smaller batches are drawn more often, up to 16 times.
    """
    rows, roads = {}, operators_of(network, task)
    for size in sizes:
        log = gradient_log(
            network, task, roads, settings.step, target_windows=size,
            source_windows=size * settings.sources // 4 + 1, draws=draws * max(16 // size, 1),
        )  # fmt: skip
        rows[size] = {"cosine": log["cosine all"], "opposed (%)": 100 * log["opposed all"]}
    return pd.DataFrame(rows).T.rename_axis("windows of the target")


def removed_shares(target: Gradients, source: Gradients) -> dict[str, float]:
    """Percent of the source's gradient, by length, that TSB removes by tensor and for all."""
    length = torch.stack([s.square().sum() for s in source]).sum().sqrt()
    found = {}
    for granularity in ("tensor", "global"):
        kept = skewed_direction(target, source, 0.0, 1.0, granularity)
        off = sum((s - u).square().sum() for s, u in zip(source, kept, strict=True)).sqrt()
        found[f"removed, {granularity} (%)"] = 100 * (off / length).item()
    return found


def joint_steps(
    network: TSJT, task: Task, settings: TSJTSettings, steps: Int[Tensor, " b"]
) -> dict[str, Callable[[], None]]:
    """One step of TSJT and one of plain joint training, on as many windows each."""
    roads = operators_of(network, task)
    adam = torch.optim.Adam(network.parameters(), 1e-6, foreach=True)
    rule = settings.step

    def plain_loss() -> Tensor:
        mine = masked_mae(network, task.target, roads, steps)
        theirs = source_loss(network, task, roads, settings.sources)
        return rule.target_weight * mine + rule.source_weight * theirs

    def step(loss: Callable[[], Tensor]) -> None:
        adam.zero_grad(set_to_none=True)
        loss().backward()
        adam.step()

    skewed_loss = partial(joint_loss, network, task, roads, settings, steps)
    return {"TSJT": partial(step, skewed_loss), "plain": partial(step, plain_loss)}


def ratio_text(times: Mapping[str, list[float]], name: str, base: str, digits: int) -> str:
    """How many times as long as `base` in the same turn: "1.20 (1.10 to 1.30)"."""
    ratio = np.divide(times[name], times[base])
    middle, low, high = (
        f"{r:.{digits}f}" for r in (np.median(ratio), ratio.min(), ratio.max())
    )
    return f"{middle} ({low} to {high})"
