"""Several steps ahead with a method that knows one: each prediction is an input of the next."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.city import CityFlow, scale
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Predictor

ORIGINS = 168  # hours from which forecasts are judged, at most


def sample_of(steps: range, most: int) -> Int[Tensor, " origin"]:
    """At most so many of the steps, ascending, drawn alike at every call: no hour is skipped."""
    order = torch.randperm(len(steps), generator=torch.Generator().manual_seed(0))
    return order[:most].sort().values + steps.start


def rolled(
    predictor: Predictor, task: Task, origins: Int[Tensor, " origin"], ahead: int
) -> Float[Tensor, "origin step direction row col"]:
    """Forecasts of the steps origin, origin + 1, ... from what was before each origin.

    In the task's unit, none below 0, and 0 in cells without demand.
    """
    city = _longer(task, ahead)
    asked = replace(task, target=city)
    return torch.stack([_from(predictor, asked, int(origin), ahead) for origin in origins])


def _from(
    predictor: Predictor, task: Task, origin: int, ahead: int
) -> Float[Tensor, "step direction row col"]:
    """One forecast; the true maps are put back behind it."""
    city, steps = task.target, slice(origin, origin + ahead)
    flow, scaled = city.flow[steps].clone(), city.scaled[steps].clone()
    city.flow[steps] = 0
    for step in range(origin, origin + ahead):
        guess = predictor(task, torch.tensor([step], device=task.device))
        guess = guess.clamp_min(0).to(flow) * city.mask
        city.flow[step], city.scaled[step] = guess[0], scale(guess, city.low, city.high)[0]
    found = city.flow[steps].clone()
    city.flow[steps], city.scaled[steps] = flow, scaled
    return found


def _longer(task: Task, ahead: int) -> CityFlow:
    """The target with room for `ahead` steps more."""
    city = task.target
    room = city.flow.new_zeros(ahead, *city.flow.shape[1:])
    step = np.timedelta64(1440 // task.day, "m")
    time = city.time[-1] + step * np.arange(1, ahead + 1)
    return replace(city, flow=torch.cat([city.flow, room]),
                   scaled=torch.cat([city.scaled, room.to(city.scaled)]),
                   time=np.concatenate([city.time, time]))  # fmt: skip
