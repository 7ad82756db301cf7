"""The hours after the last one of a city, with intervals that held-out hours have calibrated.

A method predicts one step from those before it. Several steps are rolled out: each prediction is
an input of the next. The same is done from origins in hours that neither fitted nor weighed the
methods, and the errors there, by hours ahead and size of the prediction, are the intervals.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from stflow_lib.data import City, open_city
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import DIMS
from stflow_lib.gridflow.apply.choice import fitted
from stflow_lib.gridflow.apply.rollout import ORIGINS, rolled, sample_of
from stflow_lib.gridflow.apply.shipped import NOTE
from stflow_lib.gridflow.apply.split import split_of
from stflow_lib.gridflow.problem.city import scale
from stflow_lib.gridflow.problem.task import Choices, Task, make_task
from stflow_lib.training.calibrated import Calibrated, demand_form
from stflow_lib.training.conformal import Bands, demand_levels
from stflow_lib.training.method import Predictor
from stflow_lib.training.mixture import title

CHOICES = Choices(mask="whole", need_poi=False)  # all that is given lies in the past
LEVELS = (0.05, 0.95)
Maps = Float[Tensor, "step direction row col"]


class Forecaster(Calibrated):
    """A fitted method with the intervals of its forecasts; `fit` and `load_model` make one.

    card: where the series begins, its scale and valid cells, and the bands by steps ahead.
    """

    def __call__(
        self, city: City, hours: float | int = 6, levels: Sequence[float] = LEVELS
    ) -> xr.Dataset:
        """mean, lower and upper (time, direction, row, col) for the hours after the city's last.

        In the city's unit. The city may have got more hours since the fit. DataError, naming the
        city, for another shape, another beginning, or more hours than were calibrated.
        """
        city, levels = open_city(city), demand_levels(levels)
        task, ahead = self._task(city), steps_of(city, hours)
        if ahead > len(self.card["bands"]):
            longest = len(self.card["bands"]) * city.attrs["step_minutes"] / 60
            raise DataError(f"{city.attrs['name']}: {hours:g} hours, the model is calibrated "
                            f"for {longest:g}; fit it for more")  # fmt: skip
        origin = torch.tensor([city.sizes["time"]], device=task.device)
        mean = rolled(self.predictor, task, origin, ahead)[0]
        lower, upper = self._bounds(mean, levels)
        return self._dataset(city, levels, mean=mean, lower=lower, upper=upper)

    def _bounds(self, mean: Maps, levels: Sequence[float]) -> tuple[Maps, Maps]:
        """Bounds of each map, none below 0; both 0 where no trip ever was."""
        mask, ends = self.card["mask"], ([], [])
        for step, bands in zip(mean, self.card["bands"], strict=False):
            ways = [Bands(**b).bounds(m, levels) for b, m in zip(bands, step, strict=True)]
            for end, maps in zip(ends, zip(*ways, strict=True), strict=True):
                end.append(torch.stack(maps).clamp_min(0) * mask)
        return torch.stack(ends[0]), torch.stack(ends[1])

    def _task(self, city: xr.Dataset) -> Task:
        """The city as the predictor knows it: the same scale and valid cells."""
        card, first = self.card, pd.Timestamp(city.time.values[0])
        task = make_task(city, (), everything(city), days=0, choices=CHOICES)
        own = {part: value for part, value in task.form.items() if part != "city"}
        demand_form(own, self.predictor.made.form, city.attrs["name"])
        if first != pd.Timestamp(card["start"]):
            raise DataError(f"{city.attrs['name']}: begins at {first}, the model was fitted to "
                            f"a series that begins at {card['start']}")  # fmt: skip
        low, high, mask = (card[name] for name in ("low", "high", "mask"))
        target = replace(task.target, low=low, high=high, mask=mask,
                         scaled=scale(task.target.flow, low, high))  # fmt: skip
        return replace(task, target=target)

    def _dataset(self, city: xr.Dataset, levels: Sequence[float], **maps: Maps) -> xr.Dataset:
        step = pd.Timedelta(minutes=city.attrs["step_minutes"])
        last = pd.Timestamp(city.time.values[-1])
        time = pd.date_range(last + step, periods=len(maps["mean"]), freq=step).as_unit("ns")
        places = {name: city.coords[name] for name in ("lat", "lon") if name in city.coords}
        kept = ("name", "zone", "unit", "step_minutes", "lat_min", "lat_max", "lon_min",
                "lon_max", "cell_m", "source", "licence")  # fmt: skip
        attrs = {name: city.attrs[name] for name in kept if name in city.attrs}
        told = {name: self.card[name] for name in ("days", "sources", "calibrated_hours")}
        return xr.Dataset(
            {name: (DIMS["flow"], map_.numpy(force=True)) for name, map_ in maps.items()},
            {"time": time, "direction": city.direction.values, **places},
            {**attrs, "kind": "forecast", "method": title(self.predictor), **told,
             "lower_level": levels[0], "upper_level": levels[1]},
        )  # fmt: skip


def forecast(
    city: City, sources: Sequence[City] = (), hours: float | int = 6, method: str | None = None,
    levels: Sequence[float] = LEVELS,
) -> xr.Dataset:  # fmt: skip
    """mean, lower and upper (time, direction, row, col) for the `hours` after a city's last.

    city, sources: datasets, names of the catalogue or paths of .nc files; a source is a city with
    a longer record to learn from. Any number of days will do, from seven hours on; which of them
    fit, weigh and calibrate is decided here (`split_of`). Below two days and without a source a
    model that comes with the package forecasts (`apply.shipped`; `sources` in the attributes says
    who taught it). method: a name of METHODS, else the
    fast ones mixed by their errors in the hours that weigh (`fitted`). Between the two
    `levels` the truth should lie as often as their difference says; cells in which no trip ever
    was are 0. DataError names what is wrong.
    """
    return fit(city, sources, hours, method)(city, hours, levels)


def fit(
    city: City, sources: Sequence[City] = (), hours: float | int = 6, method: str | None = None,
    seed: int = 0,
) -> Forecaster:  # fmt: skip
    """Fit a method to a city and calibrate its forecasts for up to `hours`; see `forecast`."""
    city, sources = open_city(city), [open_city(source) for source in sources]
    split = split_of(city, sources, CHOICES.lags)
    ahead = steps_of(city, hours)
    task = make_task(city, sources, split.protocol, days=split.days, choices=CHOICES)
    predictor = fitted(task, split, ahead, method, seed)
    bands, origins = calibrated(predictor, task, split.held_out, ahead)
    card = {
        "start": str(pd.Timestamp(city.time.values[0])), "low": task.target.low,
        "high": task.target.high, "mask": task.target.mask, "bands": bands,
        "days": round(city.sizes["time"] / task.day, 2), "calibrated_hours": origins,
        "sources": ", ".join(source.attrs["name"] for source in sources)
        or predictor.notes.get(NOTE, ""),
    }  # fmt: skip
    return Forecaster.of(predictor, card)


load_model = Forecaster.load


def calibrated(
    predictor: Predictor, task: Task, held_out: range, ahead: int
) -> tuple[list[list[dict[str, Any]]], int]:
    """Bands by steps ahead and direction from forecasts in held-out steps, and how many origins.

    Where no held-out step is as far ahead, the furthest bands grow with the root of the steps.
    """
    origins = sample_of(held_out, ORIGINS).to(task.device)
    guess = rolled(predictor, task, origins, ahead)
    flow, mask, found = task.target.flow, task.target.mask, []
    for step in range(ahead):
        known = origins + step < len(flow)
        if not known.any():
            wider = ((step + 1) / step) ** 0.5
            found.append([bands.wider(wider) for bands in found[-1]])
            continue
        pairs = guess[known, step], flow[origins[known] + step]
        found.append(
            [
                Bands.of(*(m[:, d, cells] for m in pairs), grow=True)
                for d, cells in enumerate(mask)
            ]
        )
    return [[bands.arrays() for bands in ways] for ways in found], len(origins)


def steps_of(city: xr.Dataset, hours: float | int) -> int:
    """Steps in so many hours; DataError unless they are a whole number from 1 on."""
    steps = hours * 60 / city.attrs["step_minutes"]
    if steps < 1 or steps != int(steps):
        raise DataError(f"{city.attrs['name']}: {hours:g} hours are no whole number of steps of "
                        f"{city.attrs['step_minutes']:g} minutes")  # fmt: skip
    return int(steps)


def everything(city: xr.Dataset):
    """A protocol in which all steps are known."""
    return split_of(city, (), CHOICES.lags, fit=False).protocol
