"""STBaT's problem as tensors: learn on cities with long histories, predict one with days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import content_hash, joint_hash
from stflow_lib.gridflow.problem.checks import check_cities, first_step, steps_a_day
from stflow_lib.gridflow.problem.city import (
    CityFlow,
    Scale,
    crosstres_scale,
    robust_scale,
    scale,
    training_scale,
)
from stflow_lib.gridflow.problem.protocol import Protocol, protocol_of

ALL_DAYS = -1  # the target's whole history before validation: the upper bound
KNOWN = {
    "scaler": ("robust", "train_max", "crosstres"),
    "zero_shot_scale": ("target_history", "source"),
    "mask": ("history", "whole"),
}


@dataclass(frozen=True)
class Choices:
    """What the paper leaves open about the data; each has the released code's other value."""

    # 99.9 % of the counts that a method may see; "train_max": their maximum; "crosstres": 99.9 % of
    # the whole series, larger values clipped
    scaler: str = "robust"
    zero_shot_scale: str = (
        "target_history"  # "source": not even one number of the target is known
    )
    mask: str = "history"  # cells with a trip before validation; "whole": in the whole series
    need_poi: bool = True  # every source must say what its regions are
    lags: int = 6  # input steps (tau)

    def __post_init__(self):
        for name, known in KNOWN.items():
            if getattr(self, name) not in known:
                raise DataError(f"{name} {getattr(self, name)!r}: want one of {[*known]}")
        if self.lags < 1:
            raise DataError(f"lags {self.lags}: at least one input step is needed")


@dataclass(frozen=True)
class Task:
    """One transfer: sources, a target, and which of its steps may be used for what.

    A sample is a label step t of a city; its inputs are the `lags` steps before it.
    target.train are the few-shot labels (Definition 3), none in zero-shot (Definition 4);
    target.valid chooses the epoch; history are all labels before validation (upper bounds only),
    test are those scored; kinds tells what each of the target's cells is for, to score kinds
    apart and for nothing else.
    """

    target: CityFlow
    sources: tuple[CityFlow, ...]
    history: Int[Tensor, " history"]
    test: Int[Tensor, " test"]
    protocol: Protocol
    days: int  # of target data; 0: zero-shot, ALL_DAYS: everything before validation
    day: int  # steps in 24 hours
    directions: tuple[str, ...]
    unit: str
    data_hash: str
    kinds: Int[Tensor, "row col"] | None = None  # -1: no kind

    @property
    def device(self) -> torch.device:
        """Where all tensors of the task lie."""
        return self.target.flow.device

    @property
    def form(self) -> dict[str, Any]:
        """What a task must be like to be asked of a predictor that was fitted to this one."""
        return {
            "wing": "gridflow", "city": self.target.name,
            "grid": tuple(self.target.flow.shape[2:]), "directions": self.directions,
            "unit": self.unit, "minutes": 1440 // self.day, "lags": self.target.lags,
        }  # fmt: skip

    def only(self, direction: int) -> "Task":
        """The task of one direction: pick-ups and drop-offs are separate models (section 5.1)."""
        return replace(
            self,
            target=self.target.only(direction),
            sources=tuple(source.only(direction) for source in self.sources),
            directions=self.directions[direction : direction + 1],
        )


def make_task(
    target: xr.Dataset,
    sources: Sequence[xr.Dataset] = (),
    protocol: Protocol | str = "P90",
    *,
    days: int = 3,
    choices: Choices = Choices(),
    device="cpu",
) -> Task:
    """Cut cities into a transfer task (STBaT section 5.1); `days` end where validation begins.

    In the default choices no test step reaches a scale or a mask. Raises DataError, naming the
    city, for: different steps, directions or zones (unless the protocol meets by local clocks);
    a city too short for the protocol; a target shorter than its days; a direction without a
    valid cell or without change in the steps that set its scale; a source without POI.
    """
    protocol = protocol_of(protocol) if isinstance(protocol, str) else protocol
    check_cities(target, sources, protocol, choices.need_poi)
    first = 0 if days == ALL_DAYS else first_step(target, protocol, days, choices.lags)
    lenders = tuple(_source(city, protocol, choices, device) for city in sources)
    return Task(
        target=_target(target, protocol, first, lenders, choices, device),
        sources=lenders,
        history=torch.arange(choices.lags, protocol.valid, device=device),
        test=torch.arange(protocol.test, protocol.steps, device=device),
        protocol=protocol,
        days=days,
        day=steps_a_day(target),
        directions=tuple(map(str, target.direction.values)),
        unit=target.attrs["unit"],
        data_hash=joint_hash([content_hash(city) for city in (*sources, target)]),
    )


def _source(city, protocol: Protocol, choices: Choices, device) -> CityFlow:
    steps, valid = protocol.source_steps, protocol.source_valid
    flow = _flow(city, steps, device)
    bounds = _scale(flow, slice(valid), choices, city.attrs["name"])
    parts = torch.arange(choices.lags, valid), torch.arange(valid, steps)
    return _city_flow(city, flow, bounds, valid, parts, choices)


def _target(
    city, protocol: Protocol, first: int, sources, choices: Choices, device
) -> CityFlow:
    flow, valid = _flow(city, protocol.steps, device), protocol.valid
    if first == valid and choices.zero_shot_scale == "source":
        bounds = _mean_scale(sources, city.attrs["name"])
    else:
        own = slice(0 if first == valid else first, valid)
        bounds = _scale(flow, own, choices, city.attrs["name"])
    train = torch.arange(max(first, choices.lags), valid)
    parts = train, torch.arange(valid, protocol.test)
    return _city_flow(city, flow, bounds, valid, parts, choices)


def _flow(city, steps: int, device) -> Float[Tensor, "time direction row col"]:
    return torch.from_numpy(np.ascontiguousarray(city.flow.values[:steps])).to(device)


def _scale(
    flow: Float[Tensor, "time direction row col"], allowed: slice, choices: Choices, name: str
) -> Scale:
    if choices.scaler == "crosstres":
        return crosstres_scale(flow, name)
    own = training_scale if choices.scaler == "train_max" else robust_scale
    return own(flow[allowed], f"{name}, steps {allowed.start or 0} to {allowed.stop}")


def _mean_scale(sources: Sequence[CityFlow], name: str) -> Scale:
    """The sources' scale, their mean where there are several."""
    if not sources:
        raise DataError(f"{name}: zero_shot_scale 'source', but there is no source")
    low, high = (torch.stack([getattr(s, end) for s in sources]) for end in ("low", "high"))
    return low.mean(0), high.mean(0)


def _city_flow(city, flow, bounds: Scale, seen: int, parts, choices: Choices) -> CityFlow:
    """`seen`: the steps before it may decide which cells are valid."""
    if choices.scaler == "crosstres":  # labels are clipped too, test included, as it does
        flow = torch.minimum(flow, bounds[1][:, None, None])
    return CityFlow(
        name=city.attrs["name"],
        flow=flow,
        scaled=scale(flow, *bounds),
        low=bounds[0],
        high=bounds[1],
        mask=_mask(flow if choices.mask == "whole" else flow[:seen], city),
        poi=torch.from_numpy(city.poi.values).to(flow.device) if "poi" in city else None,
        train=parts[0].to(flow.device),
        valid=parts[1].to(flow.device),
        time=city.time.values[: len(flow)],
        lags=choices.lags,
    )


def _mask(
    flow: Float[Tensor, "time direction row col"], city
) -> Bool[Tensor, "direction row col"]:
    mask = (flow > 0).any(0)
    for direction, cells in zip(city.direction.values, mask, strict=True):
        if not cells.any():
            raise DataError(f"{city.attrs['name']}: no valid cell, {direction} has no trip in "
                            f"its first {len(flow)} steps")  # fmt: skip
    return mask
