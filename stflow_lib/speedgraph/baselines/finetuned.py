"""Plain transfer: a backbone learns on all sources at once, then on the target's days.

What every other way to use the sources has to beat; TSJT's Table 2 has no such row.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    finetuned_predictor,
    mean_error,
    restored,
)
from stflow_lib.speedgraph.training.losses import source_loss
from stflow_lib.speedgraph.training.reptile import BackboneForecaster, build_backbone
from stflow_lib.training.loop import Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

SOURCE = partial(Training, epochs=100, epoch_steps=200, batch=1, halve_every=0, patience=20,
                 precision="float32")  # fmt: skip


@dataclass(frozen=True)
class FinetunedSettings:
    """Two schedules, one after the other."""

    backbone: object = field(default_factory=stgcn.STGCNSize)  # a size with a network
    windows: int = 128  # of all sources in a batch
    source: Training = field(default_factory=SOURCE)
    target: Training = field(default_factory=FINETUNING)


def fit(task: Task, settings: FinetunedSettings, seed: int, folder: Path | None) -> Predictor:
    """Train on the sources, whose validation windows choose the epoch, then on the target.

    Without a day of the target the network stays as the sources left it. DataError without a
    source.
    """
    require_sources(task)
    torch.manual_seed(seed)
    network, graphs = build_backbone(task, settings)
    source = train(
        network, lambda batch: source_loss(network, task, graphs, settings.windows),
        torch.arange(settings.source.epoch_steps, device=task.device),
        lambda: {"valid_mae": mean_error(network, task.sources, graphs)},
        settings.source, seed=seed, stage="source", folder=folder,
    )  # fmt: skip
    stages = {"source": source}
    return finetuned_predictor(network, task, graphs, settings.target, seed, folder, stages)


def network_of(task: Task, settings: FinetunedSettings) -> BackboneForecaster:
    """The backbone with fresh weights."""
    return BackboneForecaster(task, settings.backbone)


METHOD = Method(
    "Fine-tuned",
    FinetunedSettings,
    partial(on_roads, "Fine-tuned", fit),
    partial(restored, network_of),
    anywhere=True,
)
