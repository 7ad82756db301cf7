"""A city of any step as a task that may see all its steps up to one: partial days are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int
from torch import Tensor

from stflow_lib.data import open_city
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import joint_hash
from stflow_lib.speedgraph.apply.correlations import correlation_graph
from stflow_lib.speedgraph.problem.city import CitySpeed, forward_fill
from stflow_lib.speedgraph.problem.protocol import Protocol
from stflow_lib.speedgraph.problem.resampling import resample
from stflow_lib.speedgraph.problem.task import SOURCE_VALID, VALID_SHARE, Task, city_until

LAGS = 12  # steps that are read, as in the papers, and no fewer than are forecast
ROWS = 30_000  # sensors times windows that are learned from, at most
FEWEST = 100  # windows, however many sensors there are
WEEK = 7  # days that choose, and days that calibrate, at most
WINDOWS = ("known", "train", "valid")


@dataclass(frozen=True)
class Series:
    """A city from a midnight on, with room for a forecast behind it.

    speed [T, N], NaN where missing and before `begin` and from `end` on; time [T].
    """

    city: xr.Dataset
    protocol: Protocol
    speed: np.ndarray
    time: np.ndarray
    begin: int
    end: int

    @classmethod
    def of(cls, city: xr.Dataset, minutes: float | int, ahead: int | None = None) -> "Series":
        """The series of a city for forecasts of so many minutes, or of `ahead` steps."""
        step = step_of(city)
        ahead = ahead or steps_ahead(city, minutes)
        protocol = Protocol("own", step, max(LAGS, ahead), ahead, (1, ahead // 2 + 1, ahead))
        first = city.time.values[0]
        lead = int((first - first.astype("datetime64[D]")) / np.timedelta64(step, "m"))
        speed = np.pad(
            city.speed.values, ((lead, ahead), (0, 0)), constant_values=np.float32("nan")
        )
        time = first + np.timedelta64(step, "m") * np.arange(-lead, len(speed) - lead)
        return cls(city, protocol, speed, time, lead, len(speed) - ahead)

    @property
    def day(self) -> int:
        """Steps of a day."""
        return 1440 // self.protocol.minutes

    def last_part(self, end: int) -> int:
        """A third of the steps up to `end`, a week at most."""
        return min((end - self.begin) // VALID_SHARE, WEEK * self.day)

    def task(self, sources: Sequence[CitySpeed], end: int) -> Task:
        """The task that may see all steps before `end`; DataError where they are too few."""
        made = self.asked(sources, end)
        if not min(len(made.target.train), len(made.target.valid)):
            raise DataError(f"{made.target.name}: {end - self.begin} steps of "
                            f"{self.protocol.minutes} min hold no window to learn from and one "
                            "to choose by")  # fmt: skip
        return made

    def asked(self, sources: Sequence[CitySpeed], end: int) -> Task:
        """The same of a city of which nothing need be learned; DataError below `lags` steps."""
        protocol, series = self.protocol, (self.speed, self.time)
        if end - self.begin < protocol.lags:
            raise DataError(f"{self.city.attrs['name']}: {end - self.begin} steps, a forecast "
                            f"reads {protocol.lags}")  # fmt: skip
        city = with_graph(self.city, self.speed[self.begin : end])
        made = city_until(city, series, slice(self.begin, end), self.last_part(end), protocol)
        days, test = (end - self.begin) / self.day, torch.tensor([self.end])
        data_hash = joint_hash([self.city.attrs["sha256"]])
        return Task(
            thinned(made), tuple(sources), test, protocol, protocol.minutes, days, data_hash
        )

    def source(self, other: xr.Dataset) -> CitySpeed:
        """Another city in the steps of this one, whole days, the last tenth chooses."""
        series = resample(other, self.protocol.minutes)
        steps = len(series[0])
        city = with_graph(other, series[0])
        return city_until(city, series, slice(0, steps), steps // SOURCE_VALID, self.protocol)


def opened(city: xr.Dataset | str) -> xr.Dataset:
    """A checked speed city from itself or its name; DataError for one that has no speeds."""
    city = open_city(city)
    if city.attrs["kind"] != "graph":
        raise DataError(f"{city.attrs['name']}: a {city.attrs['kind']} city, it has no speeds")
    return city


def step_of(city: xr.Dataset) -> int:
    """Minutes of a step; DataError unless they are whole and divide a day."""
    step = city.attrs["step_minutes"]
    if step % 1 or 1440 % step:
        raise DataError(f"{city.attrs['name']}: steps of {step:g} minutes do not divide a day")
    return int(step)


def steps_ahead(city: xr.Dataset, minutes: float | int) -> int:
    """Steps in so many minutes; DataError unless they are a whole number from 1 on."""
    step = step_of(city)
    if minutes < step or minutes % step:
        raise DataError(f"{city.attrs['name']}: {minutes:g} minutes ahead are no whole number of "
                        f"its steps of {step} minutes")  # fmt: skip
    return int(minutes) // step


def with_graph(city: xr.Dataset, speed: np.ndarray) -> xr.Dataset:
    """The city itself if it has an adjacency, else with one from correlations of `speed`.

    Without one where no two sensors go together.
    """
    if "adjacency" in city:
        return city
    weights = correlation_graph(speed)
    if weights is None:
        return city
    node = city.node.values
    return city.assign(adjacency=(("node", "node_to"), weights)).assign_coords(node_to=node)


def thinned(city: CitySpeed) -> CitySpeed:
    """The city with so many of its windows that no more than ROWS rows are learned from.

    The first and the last window stay: what lies between them may be seen.
    """
    count = city.speed.shape[1]
    return replace(city, **{name: drawn(getattr(city, name), count) for name in WINDOWS})


def drawn(steps: Int[Tensor, " s"], sensors: int) -> Int[Tensor, " some"]:
    """At most ROWS / sensors of the windows, in their order, the first and the last among them."""
    most = max(ROWS // sensors, FEWEST)
    if len(steps) <= most:
        return steps
    drawn = torch.randperm(len(steps), generator=torch.Generator().manual_seed(0))[:most]
    ends = torch.tensor([0, len(steps) - 1])
    return steps[torch.cat([drawn, ends]).unique()]


def rescaled(city: CitySpeed, mean: float, deviation: float) -> CitySpeed:
    """The city in the scale that a method was fitted in."""
    scaled = forward_fill((city.speed - mean) / deviation, city.seen)
    return replace(city, mean=mean, deviation=deviation, scaled=scaled)
