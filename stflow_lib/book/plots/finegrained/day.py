"""A day of a simulated city to move through: observed, true, inferred, error."""

import torch

from stflow_lib.data import load
from stflow_lib.data.slider_map import Layer, SliderMap, errors, hours
from stflow_lib.finegrained import METHODS, make_task

DAY = 24  # hours


def fine_day(name: str = "sim-fine", factor: int = 4) -> SliderMap:
    """Coarse counts, true fine ones, those that HA infers, its error: first test day by hours."""
    city = load(name)
    task = make_task(city, factor=factor)
    each = 60 // city.attrs["step_minutes"]
    first = next(k for k in task.test.tolist() if k % (DAY * each) == 0)
    steps = torch.arange(first, first + DAY * each, each)
    method = METHODS["HA"]
    predict = method.fit(task, method.settings(), seed=0)
    truth, guess = (maps[:, 0].numpy() for maps in (task.fine[steps], predict(task, steps)))
    layers = [
        Layer("observed, per fine cell", task.coarse[steps, 0].numpy() / factor**2),
        Layer("true", truth),
        Layer("inferred by HA", guess),
        errors(truth, guess),
    ]
    title = f"Simulated city {name}: a day of fine maps from coarse ones (HA, a rule)"
    return SliderMap(title, task.unit, hours(city["time"].values[steps]), layers, power=0.5)
