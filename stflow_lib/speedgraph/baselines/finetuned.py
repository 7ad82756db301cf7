"""Plain transfer: a backbone learns on all sources at once, then on the target's days, or not.

What every other way to use the sources has to beat; TSJT's Table 2 has no such row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import nn

from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks import stgcn
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    build_predictor,
    finetuned_predictor,
    mean_error,
    restored,
)
from stflow_lib.speedgraph.training.losses import count_batches, source_loss
from stflow_lib.speedgraph.training.reptile import BackboneForecaster, build_backbone
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Method, Predictor, require_sources

SOURCE = partial(Training, epochs=100, epoch_steps=200, batch=1, halve_every=0, patience=20,
                 precision="float32")  # fmt: skip


@dataclass(frozen=True)
class ZeroShotSettings:
    """Training on the sources."""

    backbone: object = field(default_factory=stgcn.STGCNSize)  # a size with a network
    windows: int = 128  # of all sources in a batch
    source: Training = field(default_factory=SOURCE)


@dataclass(frozen=True)
class ZeroShotGWNSettings(ZeroShotSettings):
    """The same with Graph WaveNet."""

    backbone: object = field(default_factory=gwn.GWNSize)


@dataclass(frozen=True)
class FinetunedSettings(ZeroShotSettings):
    """And then on the target."""

    target: Training = field(default_factory=FINETUNING)


@dataclass(frozen=True)
class FinetunedGWNSettings(FinetunedSettings):
    """The same with Graph WaveNet."""

    backbone: object = field(default_factory=gwn.GWNSize)


def fit(task: Task, settings: FinetunedSettings, seed: int, folder: Path | None) -> Predictor:
    """Train on the sources, then on the target.

    Without a day of the target the network stays as the sources left it. DataError without a
    source.
    """
    network, graphs, stages = trained_on_sources(task, settings, seed, folder)
    return finetuned_predictor(network, task, graphs, settings.target, seed, folder, stages)


def fit_zero_shot(
    task: Task, settings: ZeroShotSettings, seed: int, folder: Path | None
) -> Predictor:
    """Train on the sources; the target's days set its scale and nothing else.

    DataError without a source.
    """
    network, graphs, stages = trained_on_sources(task, settings, seed, folder)
    return build_predictor(network, task, graphs, stages)


def trained_on_sources(
    task: Task, settings: ZeroShotSettings, seed: int, folder: Path | None
) -> tuple[nn.Module, dict, dict[str, History]]:
    """The network after the sources, whose validation windows choose the epoch; what it is told
    of each city; its curves."""
    require_sources(task)
    torch.manual_seed(seed)
    network, graphs = build_backbone(task, settings)
    network = count_batches(network, task)
    source = train(
        network, lambda batch: source_loss(network, task, graphs, settings.windows),
        torch.arange(settings.source.epoch_steps, device=task.device),
        lambda: {"valid_mae": mean_error(network, task.sources, graphs)},
        settings.source, seed=seed, stage="source", folder=folder,
    )  # fmt: skip
    return network, graphs, {"source": source}


def network_of(task: Task, settings: ZeroShotSettings) -> BackboneForecaster:
    """The backbone with fresh weights."""
    return BackboneForecaster(task, settings.backbone)


def transfer_method(name: str, settings: Callable[[], ZeroShotSettings], train) -> Method:
    """The method that trains a backbone on the sources and then, or not, on the target."""
    trained = partial(on_roads, name, train)
    return Method(name, settings, trained, partial(restored, network_of), anywhere=True)


METHOD = transfer_method("Fine-tuned", FinetunedSettings, fit)
FINETUNED_GWN = transfer_method("Fine-tuned(GWN)", FinetunedGWNSettings, fit)
ZERO_SHOT = transfer_method("Zero-shot", ZeroShotSettings, fit_zero_shot)
ZERO_SHOT_GWN = transfer_method("Zero-shot(GWN)", ZeroShotGWNSettings, fit_zero_shot)
