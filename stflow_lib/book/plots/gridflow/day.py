"""A day of a simulated city to move through: observed, forecast, error."""

import torch

from stflow_lib.data import load
from stflow_lib.data.slider_map import Layer, SliderMap, errors, hours
from stflow_lib.gridflow import METHODS, make_task

DAY = 24  # hours


def demand_day(target: str = "sim-grid-c", source: str = "sim-grid-a") -> SliderMap:
    """Observed pick-ups, the line's forecast from the hours before, its error: first test day.

    Cells outside the target's mask are missing.
    """
    task = make_task(load(target), [load(source)], "P60", days=3)
    method, steps = METHODS["Linear"], task.test[:DAY]
    predict = method.fit(task, method.settings(), seed=0)
    mask = task.target.mask[0]
    truth, guess = (
        maps[:, 0].where(mask, torch.nan).numpy()
        for maps in (task.target.flow[steps], predict(task, steps))
    )
    layers = [Layer("observed", truth), Layer("forecast by the line", guess),
              errors(truth, guess)]  # fmt: skip
    title = f"Simulated city {target} with three days of data: pick-ups one hour ahead (Linear)"
    return SliderMap(
        title, task.unit, hours(load(target)["time"].values[steps]), layers, power=0.5
    )
