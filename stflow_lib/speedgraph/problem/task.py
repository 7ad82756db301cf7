"""TSJT's problem as tensors: source cities with long series, a target with three days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
import xarray as xr
from jaxtyping import Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import check_city, joint_hash
from stflow_lib.speedgraph.problem.city import CitySpeed, forward_fill, mean_and_std
from stflow_lib.speedgraph.problem.protocol import FEW_DAYS, Protocol, protocol_of
from stflow_lib.speedgraph.problem.resampling import resample

Fitted = TypeVar("Fitted")
VALID_SHARE = 3  # the last third of what may be seen chooses: day 3 of 3
SOURCE_VALID = 10  # and the last tenth of a source's series
BLOCKS = 6  # of a day, four hours each, of which every `VALID_SHARE`th chooses


@dataclass(frozen=True)
class Choices:
    """What can be asked of the target besides its days."""

    first_day: int = 0  # where the visible days begin; else test is the second half
    sensors: int = 0  # how many of the target's sensors there are; 0: all
    every: int = 1  # of how many test windows one is scored
    seed: int = 0  # which sensors
    change: int = 0  # 1: networks are asked for the change since the last input step
    blocks: int = (
        0  # 1: `blocks` choose, then all visible days teach; 0: the last third chooses
    )
    weekday: int = 0  # 1: networks are told of weekends
    squares: int = 0  # batches of a city in which squared errors are lowered
    visible: int = FEW_DAYS  # calendar days that may be seen; test windows begin after them


@dataclass(frozen=True)
class Task:
    """One transfer. A sample is the first label step t of a city: inputs before it, labels from
    it on; test windows lie wholly after the days that may be seen."""

    target: CitySpeed
    sources: tuple[CitySpeed, ...]
    test: Int[Tensor, " test"]
    protocol: Protocol
    minutes: int  # of a step
    days: float | int  # of target data
    data_hash: str
    refit: bool = False  # what is chosen is trained once more, on all that may be seen

    @property
    def device(self) -> torch.device:
        """Where the cities lie."""
        return self.target.speed.device

    @property
    def cities(self) -> tuple[str, ...]:
        """Names, the target's first."""
        return tuple(city.name for city in (self.target, *self.sources))

    @property
    def form(self) -> dict[str, Any]:
        """What a task must be like to be asked of a predictor that was fitted to this one."""
        city = self.target
        return {
            "wing": "speedgraph", "city": city.name, "sensors": city.speed.shape[1],
            "unit": city.unit, "minutes": self.minutes, "lags": city.lags, "ahead": city.ahead,
            "change": city.change, "graph": city.has_graph,
            "weekend": city.weekend is not None,
        }  # fmt: skip

    @classmethod
    def blank(cls, form: dict[str, Any]) -> "Task":
        """A task of that form without a step and a source: enough to build a network for."""
        steps, count = torch.arange(0), form["sensors"]
        none = torch.zeros(0, count)
        lags, ahead, minutes = form["lags"], form["ahead"], form["minutes"]
        city = CitySpeed(
            form["city"], form["unit"], none, none.bool(), none, torch.zeros(0), 0.0, 1.0,
            torch.eye(count), steps, steps, steps, np.zeros(0, "datetime64[ns]"), lags, ahead,
            change=form["change"], has_graph=form["graph"],
            weekend=torch.zeros(0) if form["weekend"] else None,
        )  # fmt: skip
        protocol = Protocol("", minutes, lags, ahead, (1, 1, 1))
        return cls(city, (), steps, protocol, minutes, 0, "")


def on_roads(
    name: str, train: Callable[..., Fitted], task: Task, settings, seed: int, folder
) -> Fitted:
    """What `train` makes of a task whose cities all have a graph.

    DataError before anything is learned, naming the method and the first city without one.
    """
    for city in (task.target, *task.sources):
        if not city.has_graph:
            raise DataError(f"{city.name}: it has no adjacency, and {name} needs a graph")
    return train(task, settings, seed, folder)


def make_task(
    target: xr.Dataset,
    sources: Sequence[xr.Dataset] = (),
    protocol: Protocol | str = "P10",
    *,
    days: float | int = FEW_DAYS,
    choices: Choices = Choices(),
    device: torch.device | str = "cpu",
) -> Task:
    """Cut cities into a transfer task (TSJT, "Few-Shot Setting").

    `days` end where the visible days end, three of them unless `choices` say otherwise; with 0 the
    target may be scaled by them and not learned from. Scales, gaps and choices use visible steps
    only. Raises DataError, naming the city, for: no graph city; steps that do not fit the protocol
    or one another; a source that is the target; a target with fewer than the visible days and a
    test window; more sensors than there are.
    Not refused: a sensor without a reading (its inputs are the city's mean and it is not
    scored), one without neighbours, a graph in pieces, no adjacency: see `on_roads`.
    """
    protocol = protocol_of(protocol) if isinstance(protocol, str) else protocol
    _check(target, sources)
    minutes = _step(target, sources, protocol)
    series = resample(target, minutes)
    asked = partial(_asked, choices)
    return Task(
        target=asked(_target(target, series, protocol, minutes, days, choices, device)),
        sources=tuple(
            asked(_source(city, protocol, minutes, choices, device)) for city in sources
        ),
        test=_test(target, len(series[0]), protocol, minutes, choices, device),
        protocol=protocol,
        minutes=minutes,
        days=days,
        data_hash=joint_hash([city.attrs["sha256"] for city in (*sources, target)]),
        refit=bool(choices.blocks),
    )


def _asked(choices: Choices, city: CitySpeed) -> CitySpeed:
    days = city.time.astype("datetime64[D]").astype(int) + 3  # day 0 of 1970 is a Thursday
    weekend = torch.from_numpy(days % 7 >= 5).to(city.clock) if choices.weekday else None
    return replace(city, change=bool(choices.change), squares=choices.squares, weekend=weekend)


def _check(target: xr.Dataset, sources: Sequence[xr.Dataset]) -> None:
    for city in (target, *sources):
        check_city(city)
        if city.attrs["kind"] != "graph":
            raise DataError(f"{city.attrs['name']}: a {city.attrs['kind']} city, not a graph")
    names = [city.attrs["name"] for city in sources]
    if target.attrs["name"] in names or len(set(names)) < len(names):
        raise DataError(f"{target.attrs['name']}: its sources are {names}, all must differ")


def _step(target: xr.Dataset, sources: Sequence[xr.Dataset], protocol: Protocol) -> int:
    own = {city.attrs["name"]: int(city.attrs["step_minutes"]) for city in (target, *sources)}
    if protocol.minutes is None and len(set(own.values())) > 1:
        raise DataError(f"protocol {protocol.name}: steps differ, {own} minutes; choose P10")
    return protocol.minutes or next(iter(own.values()))


def _source(
    city: xr.Dataset, protocol: Protocol, minutes: int, choices: Choices, device
) -> CitySpeed:
    """With `blocks` at least a day of it chooses, so that every hour does."""
    series = resample(city, minutes)
    steps = len(series[0])
    last = max(steps // SOURCE_VALID, 1440 // minutes if choices.blocks else 0)
    parts = _parts(0, steps, last, protocol)
    return _city_speed(city, *series, slice(None), parts, protocol, device)


def _parts(begin: int, end: int, last: int, protocol: Protocol) -> dict[str, Tensor]:
    """Windows inside [begin, end): all, and those whose labels lie before or in the `last`."""
    first, stop = begin + protocol.lags, end - protocol.ahead + 1
    known = torch.arange(first, max(first, stop))
    train = known[known + protocol.ahead <= end - last]
    return {"known": known, "train": train, "valid": known[known >= end - last]}


def blocks(
    begin: int, end: int, day: int, protocol: Protocol
) -> dict[str, Int[Tensor, " window"]]:
    """Windows inside [begin, end), whole days: all; those that teach; those that choose.

    Of six blocks of four hours a day every third chooses, one block later each day: 4 to 8 and
    16 to 20 o'clock on the first, 8 to 12 and 20 to 24 on the second, 0 to 4 and 12 to 16 on the
    third. A window chooses if all its labels lie in such blocks, and teaches if none of its
    readings does, inputs included. So from three days on every hour chooses and every hour
    teaches; of a single day the labels that teach lie between 2 and 4, 10 and 16 and from 22
    o'clock on, the other hours teach in the training after the choice only. Less than a day has
    no blocks: its last third chooses, see `_target`.
    """
    known = _parts(begin, end, 0, protocol)["known"]
    place = torch.arange(end - begin)
    chooses = (place // (day // BLOCKS) % BLOCKS - place // day) % VALID_SHARE == 1
    count = torch.cat([torch.zeros(1, dtype=torch.int64), chooses.cumsum(0)])
    first, last = known - begin, known - begin + protocol.ahead
    inside = count[last] - count[first]
    touched = count[last] - count[first - protocol.lags]
    return {"known": known, "train": known[touched == 0],
            "valid": known[inside == protocol.ahead]}  # fmt: skip


def _target(
    city, series, protocol: Protocol, minutes: int, days: float | int, choices: Choices, device
) -> CitySpeed:
    day, name, most = 1440 // minutes, city.attrs["name"], choices.visible
    first, end = choices.first_day * day, (choices.first_day + most) * day
    begin = end - round(days * day)
    if not 0 <= days <= most:
        raise DataError(f"{name}: {days} days are asked for, {most} may be seen")
    if choices.blocks and days >= 1:
        parts = blocks(begin, end, day, protocol)
    else:
        parts = _parts(begin, end, (end - begin) // VALID_SHARE, protocol)
    if days and not min(map(len, parts.values())):
        raise DataError(
            f"{name}: {days} days hold no window to learn from and one to choose by"
        )
    made = _city_speed(city, *series, slice(first if not days else begin, end), parts,
                       protocol, device)  # fmt: skip
    return made.sensors(_chosen(made, choices)) if choices.sensors else made


def _chosen(city: CitySpeed, choices: Choices) -> Tensor:
    """Sensors drawn at random, in their own order."""
    count = city.speed.shape[1]
    if choices.sensors > count:
        raise DataError(f"{city.name}: {choices.sensors} sensors are asked for, it has {count}")
    drawn = torch.randperm(count, generator=torch.Generator().manual_seed(choices.seed))
    return drawn[: choices.sensors].sort().values.to(city.speed.device)


def _test(
    city, steps: int, protocol: Protocol, minutes: int, choices: Choices, device
) -> Tensor:
    """First label steps of test windows: after the visible days, or in the second half."""
    day = 1440 // minutes
    seen = (choices.first_day + choices.visible) * day
    begin = seen if not choices.first_day else max(seen, steps // day // 2 * day)
    first, stop = begin + protocol.lags, steps - protocol.ahead + 1
    labels = torch.arange(first, max(first, stop))
    if not len(labels):
        raise DataError(
            f"{city.attrs['name']}: {steps // day} whole days, days {choices.first_day} to "
            f"{choices.first_day + choices.visible} may be seen: no test window is left"
        )
    return labels[:: choices.every].to(device)


def _city_speed(city, speed, time, allowed: slice, parts, protocol, device) -> CitySpeed:
    """`allowed`: the steps whose readings may set the scale."""
    values = torch.from_numpy(speed)
    seen = torch.isfinite(values)
    where = f"{city.attrs['name']}, steps {allowed.start or 0} to {allowed.stop or len(speed)}"
    mean, deviation = mean_and_std(values[allowed], seen[allowed], where)
    scaled = forward_fill((values - mean) / deviation, seen)
    clock = (time - time.astype("datetime64[D]")) / np.timedelta64(1, "D")
    has_graph, count = "adjacency" in city, values.shape[1]
    weights = city.adjacency.values if has_graph else np.zeros((count, count))
    tensors = {
        "speed": torch.where(seen, values, 0.0), "seen": seen, "scaled": scaled,
        "clock": torch.from_numpy(clock.astype(np.float32)),
        "weights": torch.from_numpy(weights.astype(np.float32)),
        **parts,
    }  # fmt: skip
    return CitySpeed(
        name=city.attrs["name"], unit=city.attrs["unit"], mean=mean, deviation=deviation,
        time=time, lags=protocol.lags, ahead=protocol.ahead, has_graph=has_graph,
        **{name: tensor.to(device) for name, tensor in tensors.items()},
    )  # fmt: skip


def city_until(
    city: xr.Dataset, series, seen: slice, last: int, protocol: Protocol, device="cpu"
) -> CitySpeed:
    """A city whose steps `seen` may be seen; windows that lie in the `last` of them choose.

    series: (speed [T, N], time [T]) in steps of the protocol, as `resample` makes them.
    """
    parts = _parts(seen.start, seen.stop, last, protocol)
    return _city_speed(city, *series, seen, parts, protocol, device)
