"""A day of each wing's simulated city to move through: observed, inferred or forecast, error."""

import numpy as np
import pandas as pd
import torch

from stflow_lib import finegrained, gridflow, speedgraph
from stflow_lib.book.plots.speedgraph.problem_data import first_test_day
from stflow_lib.book.slider_map import Layer, SliderMap, errors
from stflow_lib.data import load

DAY = 24  # hours


def fine_day(name: str = "sim-fine", factor: int = 4) -> SliderMap:
    """Coarse counts, true fine ones, those that HA infers, its error: first test day by hours."""
    city = load(name)
    task = finegrained.make_task(city, factor=factor)
    each = 60 // city.attrs["step_minutes"]
    first = next(k for k in task.test.tolist() if k % (DAY * each) == 0)
    steps = torch.arange(first, first + DAY * each, each)
    method = finegrained.METHODS["HA"]
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


def demand_day(target: str = "sim-grid-c", source: str = "sim-grid-a") -> SliderMap:
    """Observed pick-ups, the line's forecast from the hours before, its error: first test day.

    Cells outside the target's mask are missing.
    """
    task = gridflow.make_task(load(target), [load(source)], "P60", days=3)
    method, steps = gridflow.METHODS["Linear"], task.test[:DAY]
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


def speed_day(target: str = "sim-speed-c", source: str = "sim-speed-a") -> SliderMap:
    """Observed speeds, the ridge's forecast from an hour before, its error: first test day.

    Sensors without a reading are missing.
    """
    city = load(target)
    task = speedgraph.make_task(city, [load(source)], days=3)
    method, last = speedgraph.METHODS["Ridge"], task.target.ahead - 1
    predict = method.fit(task, method.settings(), seed=0)
    ends = first_test_day(task)[:: 60 // task.minutes]
    truth, seen = task.target.labels(ends - last)
    truth = truth[..., last].where(seen[..., last], torch.nan).numpy()
    guess = predict(task, ends - last)[..., last].numpy()
    layers = [Layer("observed", truth), Layer("forecast by the ridge", guess),
              errors(truth, guess)]  # fmt: skip
    lat, lon = city["lat"].values, city["lon"].values
    places = np.c_[lon * np.cos(np.radians(lat.mean())), lat]
    ahead = task.target.ahead * task.minutes
    title = (
        f"Simulated roads {target}, three days of data: speeds {ahead} minutes ahead (Ridge)"
    )
    start = pd.Timestamp(city["time"].values[0])
    times = start + pd.to_timedelta(ends.numpy() * task.minutes, unit="min")
    return SliderMap(title, city.attrs["unit"], hours(times), layers, places)


def hours(times) -> list[str]:
    """Times as "Tuesday 08:00"."""
    return [f"{time:%A %H:%M}" for time in pd.DatetimeIndex(times)]
