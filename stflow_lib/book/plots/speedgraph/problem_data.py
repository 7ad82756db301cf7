"""What the tables and figures of the problem page show, taken from cities and tasks."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
import xarray as xr
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from stflow_lib.speedgraph.problem.protocol import FEW_DAYS, Protocol
from stflow_lib.speedgraph.problem.resampling import resample
from stflow_lib.speedgraph.problem.task import Task

Cities = Mapping[str, xr.Dataset]
Tasks = Mapping[str, Task]  # each city as the target
DAY = 1440  # minutes


def table1(cities: Cities, printed: pd.DataFrame) -> pd.DataFrame:
    """The printed rows of Table 1, and the same of our cities with unit and gaps."""
    columns = {"nodes": "nodes", "edges": "edges", "interval_min": "step (min)",
               "time_steps": "steps", "mean": "mean", "std": "deviation"}  # fmt: skip
    told = printed.pivot(index="target", columns="metric", values="value")
    told = told[[*columns]].set_axis([*columns.values()], axis=1)
    ours = pd.DataFrame.from_dict(
        {name: _statistics(city) for name, city in cities.items()}, orient="index"
    )
    both = pd.concat({"printed": told, "here": ours}).rename_axis(["", "city"])
    return both.astype(dict.fromkeys([*columns.values()][:4], int))


def _statistics(city: xr.Dataset) -> dict:
    speed, weights = city.speed.values, city.adjacency.values
    measured = float(city["observed"].mean()) if "observed" in city else np.nan
    return {"nodes": len(weights), "edges": (weights > 0).sum(),
            "step (min)": city.attrs["step_minutes"], "steps": len(speed),
            "mean": np.nanmean(speed), "deviation": np.nanstd(speed),
            "unit": city.attrs["unit"],
            "missing (%)": 100 * np.isnan(speed).mean(), "measured (%)": measured}  # fmt: skip


def graph_statistics(cities: Cities) -> pd.DataFrame:
    """What each graph is like once its self loops are off."""
    return pd.DataFrame.from_dict(
        {name: _graph(city.adjacency.values) for name, city in cities.items()}, orient="index"
    )


def _graph(weights: np.ndarray) -> dict:
    weights = weights * (1 - np.eye(len(weights)))
    linked = (weights + weights.T > 0).sum(1)
    pieces, of = connected_components(weights > 0, directed=False)
    return {"symmetric": np.array_equal(weights, weights.T),
            "neighbours, median": np.median(linked), "most": linked.max(),
            "without any": (linked == 0).sum(), "pieces": pieces,
            "largest piece (%)": 100 * np.bincount(of).max() / len(of)}  # fmt: skip


def window_count(protocol: Protocol, days: int, own: int) -> int:
    """Windows that lie wholly inside so many days of a city with steps of `own` minutes."""
    minutes = protocol.minutes or own
    return days * DAY // minutes - protocol.lags - protocol.ahead + 1


def readings_table(
    protocols: Mapping[str, Protocol], cities: Mapping[str, tuple[int, int]]
) -> pd.DataFrame:
    """What each protocol makes of the paper's cities, name -> (days, minutes of a step)."""
    rows = {}
    for name, protocol in protocols.items():
        for city, (days, own) in cities.items():
            minutes = protocol.minutes or own
            rows[name, city] = {
                "step (min)": minutes, "in": protocol.lags, "out": protocol.ahead,
                "errors at (min)": ", ".join(str(k * minutes) for k in protocol.reported),
                "few-shot windows": window_count(protocol, FEW_DAYS, own),
                "test windows": window_count(protocol, days - FEW_DAYS, own),
            }  # fmt: skip
    return pd.DataFrame(rows).T.rename_axis(["reading", "city"])


def mean_speeds(cities: Cities, minutes: int = 30) -> dict[str, pd.Series]:
    """Mean speed of each city on a grid of so many minutes, by time stamp."""
    found = {}
    for name, city in cities.items():
        with warnings.catch_warnings(action="ignore"):  # a moment without any reading
            values, time = resample(city, minutes)
            found[name] = pd.Series(np.nanmean(values, 1), pd.DatetimeIndex(time))
    return found


def split_spans(tasks: Tasks, target: str) -> dict[str, list[tuple[str, float, float]]]:
    """Which days of each city serve for what, (use, first, end), with one as the target."""
    spans = {}
    for name, task in tasks.items():
        days = len(task.target.speed) * task.minutes / DAY
        few = [("few-shot", 0, FEW_DAYS - 1), ("chooses the epoch", FEW_DAYS - 1, FEW_DAYS),
               ("test", FEW_DAYS, days)]  # fmt: skip
        long = [("trains", 0, 0.9 * days), ("chooses the epoch", 0.9 * days, days)]
        spans[f"{'target' if name == target else 'source'}: {name}"] = (
            few if name == target else long
        )
    return spans


def scales(tasks: Tasks) -> pd.DataFrame:
    """Mean and deviation by three days and by the whole record, and how much has no reading."""
    rows = {}
    for name, task in tasks.items():
        city, few = task.target, slice(0, FEW_DAYS * DAY // task.minutes)
        measured = city.speed[city.seen]
        rows[name] = {
            "μ, three days": city.mean, "μ, whole record": measured.mean().item(),
            "σ, three days": city.deviation, "σ, whole record": measured.double().std().item(),
            "inputs filled (%)": 100 * (~city.seen).double().mean().item(),
            "sensors silent for three days": int((~city.seen[few].any(0)).sum()),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def restless_window(task: Task, every: int = 7, count: int = 3) -> tuple[Tensor, Tensor]:
    """The test step, one of `every`, over whose labels speeds change most; and `count` sensors.

    The sensors are of the third that changes most; where a label is missing nothing changes.
    """
    city, some = task.target, task.test[::every]
    rows = some[:, None] + torch.arange(-1, city.ahead)
    change = (city.speed[some + city.ahead - 1] - city.speed[some - 1]).abs()
    change = change * city.seen[rows].all(1)
    most = int(change.mean(1).argmax())
    sensors = change[most].argsort(descending=True)[: change.shape[1] // 3]
    return some[most], sensors[:: max(len(sensors) // count, 1)][:count]


def first_test_day(task: Task) -> Tensor:
    """The steps of the first whole day whose windows are all test windows."""
    day = DAY // task.minutes
    first = FEW_DAYS * day + task.protocol.lags
    first += -first % day
    return torch.arange(first, first + day)


def restless_sensors(task: Task, steps: Tensor) -> Tensor:
    """The sensor that varies most over some steps, one a quarter down, and a middle one."""
    city = task.target
    speed = city.speed[steps].where(city.seen[steps], city.speed[city.seen].mean())
    order = speed.std(0).argsort(descending=True)
    return order[[0, len(order) // 4, len(order) // 2]]
