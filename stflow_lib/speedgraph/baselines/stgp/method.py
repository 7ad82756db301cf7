"""STGP: one network learns to fill in hidden hours of source cities; then only prompts learn.

Hu et al., "Prompt-Based Spatio-Temporal Graph Transfer Learning" (CIKM 2024): pre-training on
sources, domain prompts on the target with the same task, task prompts for forecasting, which is
filling in the hour after the last.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.speedgraph.baselines.stgp.network import STGP, STGPSize
from stflow_lib.speedgraph.networks.patch_encoder import mask_indices
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.long_windows import as_short_predictor, with_long_windows
from stflow_lib.speedgraph.problem.task import Task, on_roads
from stflow_lib.speedgraph.training import masked_pretraining
from stflow_lib.speedgraph.training.finetune import (
    FINETUNING,
    build_predictor,
    restored,
    supports_by_city,
)
from stflow_lib.speedgraph.training.losses import (
    count_batches,
    training_error,
    validation_mae,
)
from stflow_lib.speedgraph.training.masked_pretraining import sample_windows
from stflow_lib.speedgraph.training.refit import chosen_on_target
from stflow_lib.training.loop import History, Training
from stflow_lib.training.method import Method, Predictor, require_sources

DAYS = 1  # of a window
HOURS = partial(Training, epochs=300, epoch_steps=100, batch=4, halve_every=0, patience=30,
                precision="float32")  # fmt: skip
DOMAIN = partial(Training, epochs=50, epoch_steps=20, batch=4, halve_every=0,
                 precision="float32")  # fmt: skip


@dataclass(frozen=True)
class STGPSettings:
    """Three stages; a `batch` is of windows of one city."""

    size: STGPSize = field(default_factory=STGPSize)
    hide: float = 0.5  # share of hours, and of sensors, hidden in the first two stages
    sensors: int = 0  # of a city in a step of pre-training; 0: all
    hours: Training = field(default_factory=HOURS)
    domain: Training = field(default_factory=DOMAIN)
    target: Training = field(default_factory=FINETUNING)
    check_every: int = 1  # of how many validation windows one is looked at in the last stage


def fit(task: Task, settings: STGPSettings, seed: int, folder: Path | None) -> Predictor:
    """Pre-training, domain prompts, task prompts; without days the first alone.

    DataError without a source, and for days that hold no window of a day.
    """
    require_sources(task)
    task = with_long_windows(task, DAYS)
    torch.manual_seed(seed)
    network = network_of(task, settings).to(task.device)
    graphs = supports_by_city(network, task)
    stages = {"hours": pretrained(network, task, settings, seed, folder)}
    if len(task.target.train):
        _no_dropout(network)
        stages["domain"] = domain_prompted(network, task, settings, seed, folder)
        stages["target"] = task_prompted(network, task, graphs, settings, seed, folder)
    return as_short_predictor(build_predictor(network, task, graphs, stages), DAYS)


def _no_dropout(network: STGP) -> None:
    """Prompts learn without it."""
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0


def hidden_error(
    network: STGP,
    settings: STGPSettings,
    windows: int,
    city: CitySpeed,
    steps: Int[Tensor, " s"],
) -> Float[Tensor, ""]:
    """Mean absolute error of cells whose hour or whose sensor is hidden."""
    x, drawn = sample_windows(city, steps, windows, settings.sensors)
    graph = network.operators(city.weights[drawn][:, drawn])
    speed, when = network.hours_of(x)
    nodes, hours = (
        mask_indices(speed.shape[axis], settings.hide, x.device)[1] for axis in (1, 2)
    )
    off = (network.reconstruct(speed, when, graph, nodes, hours) - speed).abs().mean((0, 3))
    hidden = torch.ones_like(off)
    hidden[nodes[:, None], hours] = 0
    return (off * hidden).sum() / hidden.sum()


def pretrained(
    network: STGP, task: Task, settings: STGPSettings, seed: int, folder: Path | None
) -> History:
    """All but the prompts learn on the sources; the prompts stand as they were drawn."""
    prompts = {id(p) for bank in (network.domain, network.task) for p in bank.parameters()}
    moving = [p for p in network.parameters() if id(p) not in prompts]
    error = partial(hidden_error, network, settings, settings.hours.batch)
    return masked_pretraining.pretrained(
        network, error, task.sources, settings.hours, seed, folder, "hours", lambda _: moving
    )


def domain_prompted(
    network: STGP, task: Task, settings: STGPSettings, seed: int, folder: Path | None
) -> History:
    """The prompts of both encoders learn on the target, by the same task."""
    error = partial(hidden_error, network, settings, settings.domain.batch)
    moving = [*network.domain.parameters()]
    return masked_pretraining.pretrained(
        network,
        error,
        (task.target,),
        settings.domain,
        seed,
        folder,
        "domain",
        lambda _: moving,
    )


def task_prompted(
    network: STGP,
    task: Task,
    graphs: dict,
    settings: STGPSettings,
    seed: int,
    folder: Path | None,
) -> History:
    """The prompts of the decoder learn to forecast; validation windows choose the epoch."""
    city, moving = task.target, [*network.task.parameters()]
    network = count_batches(network, task)
    loss = lambda steps: training_error(network, city, graphs, steps)
    valid = city.valid[:: settings.check_every]
    check = lambda: {"valid_mae": validation_mae(network, city, graphs, valid)}
    return chosen_on_target(network, loss, task, check, settings.target, seed=seed,
                            stage="target", folder=folder,
                            trainable=lambda _: moving)  # fmt: skip


def network_of(task: Task, settings: STGPSettings) -> STGP:
    """The network with fresh weights."""
    change = task.target.change
    return STGP(60 // task.minutes, task.protocol.ahead, settings.size, change)


def again(form: dict, settings: STGPSettings, learned: dict) -> Predictor:
    """The predictor with the weights that it had learned."""
    return as_short_predictor(restored(network_of, form, settings, learned), DAYS)


METHOD = Method("STGP", STGPSettings, partial(on_roads, "STGP", fit), again, anywhere=True)
