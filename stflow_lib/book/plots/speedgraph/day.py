"""A day of simulated roads to move through: observed, forecast, error."""

import numpy as np
import pandas as pd
import torch

from stflow_lib.book.plots.speedgraph.problem_data import first_test_day
from stflow_lib.data import load
from stflow_lib.data.slider_map import Layer, SliderMap, errors, hours
from stflow_lib.speedgraph import METHODS, make_task


def speed_day(target: str = "sim-speed-c", source: str = "sim-speed-a") -> SliderMap:
    """Observed speeds, the ridge's forecast from an hour before, its error: first test day.

    Sensors without a reading are missing.
    """
    city = load(target)
    task = make_task(city, [load(source)], days=3)
    method, last = METHODS["Ridge"], task.target.ahead - 1
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
