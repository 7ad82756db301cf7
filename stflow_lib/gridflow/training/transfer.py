"""Learning on the sources, then on the target: one network for each direction of demand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.problem.hour_inputs import with_hour_inputs
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.schedule import Schedule, fit_cities, predict_trips
from stflow_lib.gridflow.training.shared_stages import shared_stage, stage_fingerprint
from stflow_lib.training.loop import History
from stflow_lib.training.method import (
    Method,
    Predictor,
    count_parameters,
    filled,
    require_sources,
)

# At most 80 epochs, of which target validation chooses one, or the network as it came.
ON_TARGET = partial(Schedule, epochs=80, patience=0, keep_start=True)


@dataclass(frozen=True)
class TargetSettings:
    """A network that learns on the target's own days."""

    backbone: Backbone = field(default_factory=Backbone)
    target: Schedule = field(default_factory=ON_TARGET)
    clock: bool = field(default=False, kw_only=True)  # tell the networks the hour of the label


@dataclass(frozen=True)
class TransferSettings(TargetSettings):
    """A network that learns on the sources first."""

    source: Schedule = field(
        default_factory=Schedule
    )  # stops after 5 epochs without a better source validation


@dataclass
class FittedDirection:
    """One direction's network after all its stages."""

    network: nn.Module
    stages: dict[str, History] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


FitOne = Callable[
    [Task, Any, int, Path | None], FittedDirection
]  # of a task with one direction
Build = Callable[[Any], nn.Module]  # settings -> a network with fresh weights


def stnet(settings: TargetSettings) -> nn.Module:
    """The backbone with fresh weights."""
    return STNet(settings.backbone, settings.clock)


def direction_method(
    name: str, settings: Callable[[], Any], fit_one: FitOne, build: Build = stnet
) -> Method:
    """The method that fits pick-ups and drop-offs separately, as the paper does (section 5.1).

    `build(settings)` is the network that is left after `fit_one`.
    """
    train, restore = partial(_fit_directions, fit_one), partial(restored, build)
    return Method(name, settings, train, restore, anywhere=True)


def _fit_directions(fit_one: FitOne, task: Task, settings, seed: int, folder) -> Predictor:
    fitted, seen = {}, _inputs(settings)
    for number, way in enumerate(task.directions):
        inside = folder / way if folder else None
        torch.manual_seed(seed)
        fitted[way] = fit_one(seen(task).only(number), settings, seed, inside)
    return _joined(fitted, seen)


def _inputs(settings: TargetSettings) -> Callable[[Task], Task]:
    """The task as its networks see it: with the hour where they are told."""
    return with_hour_inputs if settings.clock else lambda plain: plain


def _joined(fitted: dict[str, FittedDirection], seen: Callable[[Task], Task]) -> Predictor:
    """[B, D, H, W] trips per step; curves and notes named after direction and stage."""
    networks = [one.network.eval() for one in fitted.values()]
    stages = {f"{w}_{name}": h for w, one in fitted.items() for name, h in one.stages.items()}
    notes = {way: one.notes for way, one in fitted.items() if one.notes}
    return Predictor.after(
        partial(_predict, networks, seen), sum(map(count_parameters, networks)), stages, notes,
        networks,
    )  # fmt: skip


def _predict(
    networks: Sequence[nn.Module],
    seen: Callable[[Task], Task],
    task: Task,
    steps: Int[Tensor, " b"],
) -> Float[Tensor, "b direction row col"]:
    city = seen(task).target
    with torch.inference_mode():
        ways = [predict_trips(n, city.only(d), steps) for d, n in enumerate(networks)]
    return torch.cat(ways, 1)


def restored(build: Build, form: dict, settings: TargetSettings, learned: list) -> Predictor:
    """The predictor of a `build(settings)` for each direction, with the weights learned."""
    pairs = zip(form["directions"], learned, strict=True)
    networks = [
        filled(build(settings).to(memory_format=torch.channels_last), weights)
        for _, weights in pairs
    ]
    return Predictor(partial(_predict, networks, _inputs(settings)))


def target_only(name: str, settings=TargetSettings, build=stnet) -> Method:
    """The method that trains `build(settings)` on the target's days alone.

    The network maps (x [B, L, H, W] scaled, cells [R]) to a prediction [B, R] and features.
    """
    return direction_method(name, settings, partial(_fit_target_only, build), build)


def _fit_target_only(
    build, task: Task, settings: TargetSettings, seed: int, folder
) -> FittedDirection:
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no training day, nothing to learn from alone")
    return finetune(FittedDirection(build(settings)), task, settings, seed, folder)


def finetuned(name: str, settings=TransferSettings, build=stnet) -> Method:
    """The method that trains `build(settings)` on the sources, then on the target's days."""
    return direction_method(name, settings, partial(_fit_finetuned, build), build)


def _fit_finetuned(
    build, task: Task, settings: TransferSettings, seed: int, folder
) -> FittedDirection:
    learned = pretrain_on_sources(build(settings), task, settings, seed, folder)
    return finetune(learned, task, settings, seed, folder)


def pretrain_on_sources(
    network: nn.Module, task: Task, settings, seed: int, folder, **more
) -> FittedDirection:
    """The network after training on all sources, plainly unless `more` tells `fit_cities` else.

    Nothing of the target may reach this stage: it is trained once for all runs that have the
    same sources, however many days of the target they see. DataError when there is no source.
    """
    alike = replace(settings, target=Schedule())
    name = stage_fingerprint(
        network, require_sources(task), type(settings).__name__, alike, seed
    )
    with shared_stage(folder, name) as place:
        history = on_sources(network, task, settings, seed, place, **more)
    return FittedDirection(network, {"source": history})


def on_sources(network: nn.Module, task: Task, settings, seed: int, folder, **more) -> History:
    """Train the network on all sources, for this run alone."""
    return fit_cities(network, require_sources(task), settings.source, seed=seed, stage="source",
                      folder=folder, **more)  # fmt: skip


def finetune(
    learned: FittedDirection, task: Task, settings, seed: int, folder, **more
) -> FittedDirection:
    """The network after fine-tuning on the target's days; as it was in zero-shot.

    `more` goes to `fit_cities`.
    """
    if len(task.target.train):
        learned.stages["target"] = fit_cities(
            learned.network, [task.target], settings.target, seed=seed, stage="target",
            folder=folder, **more,
        )  # fmt: skip
    return learned
