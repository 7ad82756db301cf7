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

from stflow_lib.speedgraph.networks.city_norm import of_city
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.speedgraph.training.losses import (
    count_batches,
    predict,
    training_error,
    validation_mae,
)
from stflow_lib.speedgraph.training.refit import chosen_on_target
from stflow_lib.training.loop import History, Training
from stflow_lib.training.method import Predictor, count_parameters, filled

# Adam at 1e-3; the target's validation windows choose among at most 200 epochs.
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
    error: Error = training_error,
) -> History:
    """Training on the target's windows; masked MAE of its validation windows chooses the epoch."""
    city, network = task.target, count_batches(network, task)
    loss = lambda steps: error(network, city, graphs, steps)
    check = lambda: {"valid_mae": validation_mae(network, city, graphs, city.valid)}
    return chosen_on_target(network, loss, task, check, plan, seed=seed, stage="target",
                            folder=folder)  # fmt: skip


def finetuned_predictor(
    network: nn.Module,
    task: Task,
    graphs: dict,
    plan: Training,
    seed: int,
    folder: Path | None,
    stages: dict[str, History],
    error: Error = training_error,
) -> Predictor:
    """The predictor after `finetune`, or as it is where the target has no day to learn from."""
    if len(task.target.train):
        stages = stages | {"target": finetune(network, task, graphs, plan, seed, folder, error)}
    return build_predictor(network, task, graphs, stages)


def build_predictor(
    network: nn.Module, task: Task, graphs: dict, stages: dict[str, History]
) -> Predictor:
    """The predictor of a network after its stages; curves are named after them."""
    asked = partial(predict, network, graphs)
    learned = of_city(network, task.target.name)
    return Predictor.after(asked, count_parameters(network), stages, learned=learned)


def restored(
    build: Callable[[Task, Any], nn.Module], form: dict, settings, learned: dict
) -> Predictor:
    """The predictor of `build(task, settings)` with the weights that it had learned.

    The network asks the task's own graph for its operators.
    """
    fresh = of_city(build(Task.blank(form), settings), form["city"])
    network = filled(fresh, learned)
    return Predictor(partial(_predict_on_roads, network))


def _predict_on_roads(network: nn.Module, task: Task, steps: Int[Tensor, " s"]) -> Tensor:
    city = task.target
    return predict(network, {city.name: network.operators(city.weights)}, task, steps)


def mean_error(
    network: nn.Module, cities: Sequence[CitySpeed], graphs: dict, windows: int = 64
) -> float:
    """Scaled error over validation windows, about `windows` of each city, cities alike."""
    errors = [validation_mae(network, c, graphs, over_hours(c, windows)) for c in cities]
    return sum(errors) / len(errors)


def over_hours(city: CitySpeed, windows: int = 64) -> Int[Tensor, " window"]:
    """About so many of a city's validation windows, of all hours of the day that these have.

    Every so manieth one, unless that hits the same hours on each day and leaves out others: then
    the same number from the windows sorted by their hour.
    """
    steps = city.valid
    thinned = steps[:: max(len(steps) // windows, 1)]
    hours = (city.clock * 1440).round() // 60
    if len(hours[thinned].unique()) == len(hours[steps].unique()):
        return thinned
    places = (torch.arange(len(thinned), device=steps.device) + 0.5) * len(steps) / len(thinned)
    by_hour = steps[hours[steps].sort(stable=True).indices]
    return by_hour[places.long()].sort().values


def round_robin_source(task: Task, number: int) -> CitySpeed:
    """Sources one after the other, over and over."""
    return task.sources[number % len(task.sources)]


def sample_steps(city: CitySpeed, windows: int) -> Int[Tensor, " window"]:
    """First label steps of training windows, drawn at random with replacement."""
    return city.train[torch.randint(len(city.train), (windows,)).to(city.train.device)]
