"""Errors of methods that need no training in steps, for the problem page."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.speedgraph.problem.protocol import FEW_DAYS
from stflow_lib.speedgraph.problem.scoring import score
from stflow_lib.speedgraph.problem.task import Choices, Task, make_task
from stflow_lib.training.method import Method, Predictor


def fit_default(method: Method, task: Task) -> Predictor:
    """A method fitted with its usual settings and seed 0."""
    return method.fit(task, method.settings(), 0, None)


def errors_by_minutes(task: Task, predictors: Mapping[str, Predictor]) -> pd.DataFrame:
    """Errors on the test days: rules down, (MAE or RMSE, minutes ahead) across."""
    parts = pd.DataFrame({name: score(task, p)["parts"] for name, p in predictors.items()}).T
    minutes = [str(step * task.minutes) for step in task.protocol.reported]
    blocks = {
        error.upper(): parts[[f"min{m}_{error}" for m in minutes]].set_axis(minutes, axis=1)
        for error in ("mae", "rmse")
    }
    return pd.concat(blocks, axis=1).rename_axis(["error", "minutes"], axis=1)


def errors_by_first_day(
    city: xr.Dataset, methods: Iterable[Method], protocol: str, days: int, tries: int = 5
) -> pd.DataFrame:
    """MAE of methods by where the three visible days begin, in the first half of so many days.

    The test is the same second half each time, one window of three.
    """
    columns = {}
    for first in np.unique(np.linspace(1, days // 2 - FEW_DAYS, tries).astype(int)):
        task = make_task(city, (), protocol, choices=Choices(first_day=int(first), every=3))
        start = pd.Timestamp(task.target.time[first * 1440 // task.minutes])
        columns[f"day {first}, {start:%a}"] = {
            m.name: score(task, fit_default(m, task))["metrics"]["mae"] for m in methods
        }
    return pd.DataFrame(columns)
