"""The end of every transfer baseline: its network learns on the target's days and predicts.

A network here maps (x [B, N, L, C], graph) to scaled speeds [B, N, Q]; `graphs` holds by a city's
name what the network wants to know of that city.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.losses import masked_mae, predict, validation_mae
from stflow_lib.training.loop import History, Training, train
from stflow_lib.training.method import Predictor, count_parameters, filled

# Adam at 1e-3; the last of the visible days chooses among at most 200 epochs.
FINETUNING = partial(
    Training, epochs=200, batch=32, halve_every=0, patience=20, precision="float32"
)

# (network, city, graphs, steps [B]) -> what is minimised, a scalar
Error = Callable[[nn.Module, CitySpeed, dict, Tensor], Tensor]


def supports_by_city(network: nn.Module, task: Task) -> dict:
    """What a network without anything city-bound is told: `network.operators(weights)`."""
    return {c.name: network.operators(c.weights) for c in (task.target, *task.sources)}


def finetune(
    network: nn.Module,
    task: Task,
    graphs: dict,
    plan: Training,
    seed: int,
    folder: Path | None,
    error: Error = masked_mae,
) -> History:
    """Training on the target's windows; masked MAE of the last third chooses the epoch."""
    city = task.target
    loss = lambda steps: error(network, city, graphs, steps)
    check = lambda: {"valid_mae": validation_mae(network, city, graphs, city.valid)}
    return train(network, loss, city.train, check, plan, seed=seed, stage="target",
                 folder=folder)  # fmt: skip


def finetuned_predictor(
    network: nn.Module,
    task: Task,
    graphs: dict,
    plan: Training,
    seed: int,
    folder: Path | None,
    stages: dict[str, History],
    error: Error = masked_mae,
) -> Predictor:
    """The predictor after `finetune`, or as it is where the target has no day to learn from."""
    if len(task.target.train):
        stages = stages | {"target": finetune(network, task, graphs, plan, seed, folder, error)}
    return build_predictor(network, graphs, stages)


def build_predictor(network: nn.Module, graphs: dict, stages: dict[str, History]) -> Predictor:
    """The predictor of a network after its stages; curves are named after them."""
    asked = partial(predict, network, graphs)
    return Predictor.after(asked, count_parameters(network), stages, learned=network)


def restored(
    build: Callable[[Task, Any], nn.Module], form: dict, settings, learned: dict
) -> Predictor:
    """The predictor of `build(task, settings)` with the weights that it had learned.

    The network asks the task's own graph for its operators.
    """
    network = filled(build(Task.blank(form), settings), learned)
    return Predictor(partial(_predict_on_roads, network))


def _predict_on_roads(network: nn.Module, task: Task, steps: Int[Tensor, " s"]) -> Tensor:
    city = task.target
    return predict(network, {city.name: network.operators(city.weights)}, task, steps)


def mean_error(
    network: nn.Module, cities: Sequence[CitySpeed], graphs: dict, windows: int = 64
) -> float:
    """Scaled error over validation windows, about `windows` of each city, cities alike."""
    thinned = [(c, c.valid[:: max(len(c.valid) // windows, 1)]) for c in cities]
    errors = [validation_mae(network, c, graphs, steps) for c, steps in thinned]
    return sum(errors) / len(errors)


def round_robin_source(task: Task, number: int) -> CitySpeed:
    """Sources one after the other, over and over."""
    return task.sources[number % len(task.sources)]


def sample_steps(city: CitySpeed, windows: int) -> Int[Tensor, " window"]:
    """First label steps of training windows, drawn at random with replacement."""
    return city.train[torch.randint(len(city.train), (windows,)).to(city.train.device)]
