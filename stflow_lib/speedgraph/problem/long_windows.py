"""Windows of days before a window of an hour, for methods that read patches."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Predictor

WEEK = 168  # hours


@dataclass(frozen=True, kw_only=True)
class LongCity(CitySpeed):
    """A city whose windows reach far back and know the hour of the week.

    hours [T]: hours since the midnight before Monday, 0 to 168.
    """

    hours: Float[Tensor, " time"]

    def time_features(self) -> list[Float[Tensor, " time"]]:
        """The hour of the week, which tells the day too."""
        return [self.hours]


def with_long_windows(task: Task, days: int) -> Task:
    """The same transfer with windows of whole days; only those inside what may be seen stay.

    DataError where the target's days hold none, though some may be learned from, or a source
    holds none.
    """
    target = long_city(task.target, days * 1440 // task.minutes)
    if len(task.target.known) and not (len(target.train) and len(target.valid)):
        raise DataError(
            f"{target.name}: {task.days} days hold no window with {days} days before it"
        )
    return replace(task, target=target, sources=long_sources(task, days))


def long_sources(task: Task, days: int) -> tuple[LongCity, ...]:
    """The sources with windows of whole days; DataError where one holds none."""
    cities = tuple(long_city(city, days * 1440 // task.minutes) for city in task.sources)
    for city in cities:
        if not (len(city.train) and len(city.valid)):
            raise DataError(f"{city.name}: no window with {days} days before it")
    return cities


def long_city(city: CitySpeed, lags: int) -> LongCity:
    """A city with windows of `lags` steps; those that begin before what may be seen fall away."""
    first = int(city.known[0]) - city.lags + lags if len(city.known) else lags
    since = city.time - np.datetime64("2024-01-01")  # a Monday
    hours = (since / np.timedelta64(1, "m") / 60) % WEEK
    parts = {n: part[part >= first] for n in _PARTS for part in [getattr(city, n)]}
    kept = {f.name: getattr(city, f.name) for f in fields(CitySpeed)} | parts | {"lags": lags}
    hours = torch.from_numpy(hours.astype(np.float32)).to(city.speed.device)
    return LongCity(**kept, hours=hours)


_PARTS = ("known", "train", "valid")


def visible_window(task: Task, days: int) -> Float[Tensor, "1 node lag feature"]:
    """The last `days` of the target that may be seen, as one window; DataError if they are fewer.

    Labels are no part of it, so its newest steps are those that choose among epochs.
    """
    if not 0 < days <= task.days:
        raise DataError(f"{task.target.name}: {task.days} days may be seen, {days} are read")
    city = task.target
    end = torch.tensor([int(city.known[-1]) + city.ahead], device=task.device)
    return long_city(city, days * 1440 // task.minutes).windows(end)


def as_short_predictor(predictor: Predictor, days: int) -> Predictor:
    """A predictor of lengthened tasks as one of the tasks they come from."""
    inner = predictor.predict
    return replace(
        predictor, predict=lambda task, steps: inner(with_long_windows(task, days), steps)
    )
