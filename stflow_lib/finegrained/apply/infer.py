"""Fine maps from coarse ones, learned from fine maps of the past, with calibrated intervals."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.data import City, open_city
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import DIMS, EDGES, first_steps
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.problem.external_factors import external_factors
from stflow_lib.finegrained.problem.task import Task, make_task
from stflow_lib.runs import profiles
from stflow_lib.runs.pair import named
from stflow_lib.training.calibrated import Calibrated, demand_form
from stflow_lib.training.conformal import Bands, demand_levels
from stflow_lib.training.method import Method, Predictor

DEFAULT, FEW = "ShareNet", "HA"  # built like what "What to use" names; for few maps
LEAST = 100  # training maps from which a network is trained
SIZE = "lab"  # of methods, see profiles.yaml
LEVELS = (0.05, 0.95)
BATCH = 256
Fine = Float[Tensor, "sample 1 fine_row fine_col"]


class Refiner(Calibrated):
    """A fitted method with the intervals of its fine maps; `fit` and `load_model` make one.

    card: bands by direction, where the cells lie, and how many maps calibrated.
    """

    NOTE, WHAT = "split_intervals", "a model of fine maps"

    def __call__(self, coarse: City, levels: Sequence[float] = LEVELS) -> xr.Dataset:
        """mean, lower and upper (time, direction, row, col) of coarse maps, in their unit.

        The means of a block sum to its coarse count; bounds lie between 0 and that count.
        DataError, naming the city, for another grid, other directions or another unit.
        """
        coarse, levels = open_city(coarse), demand_levels(levels)
        task = coarse_task(coarse, self.predictor.made.form)
        mean = means(self.predictor, task, torch.arange(len(task.coarse)))
        whole = upsample_nearest(task.coarse, task.factor)
        lower, upper = bounds(mean, whole, self.card["bands"], levels)
        maps = {"mean": mean, "lower": lower, "upper": upper}
        return self._dataset(coarse, maps, levels)

    def _dataset(self, coarse: xr.Dataset, maps: dict[str, Fine], levels) -> xr.Dataset:
        form, card = self.predictor.made.form, self.card
        shape = (coarse.sizes["time"], len(form["directions"]), *form["grid"])
        places = {n: (dim, card[n].numpy()) for n, dim in (("lat", "row"), ("lon", "col"))
                  if n in card}  # fmt: skip
        kept = ("name", "zone", "unit", "step_minutes", "source", "licence")
        attrs = {name: coarse.attrs[name] for name in kept}
        return xr.Dataset(
            {n: (DIMS["flow"], m.reshape(shape).numpy(force=True)) for n, m in maps.items()},
            {"time": coarse.time.values, "direction": coarse.direction.values, **places},
            {**attrs, **card["box"], "kind": "fine maps", "method": self.predictor.made.method.name,
             "factor": form["factor"], "calibrated_maps": card["maps"],
             "lower_level": levels[0], "upper_level": levels[1]},
        )  # fmt: skip


def infer(
    fine_history: City,
    coarse: City,
    levels: Sequence[float] = LEVELS,
    method: str | None = None,
) -> xr.Dataset:
    """Fine maps of coarse ones: mean, lower and upper (time, direction, row, col).

    fine_history, coarse: datasets, names of the catalogue or paths of .nc files, with the same
    directions and unit; the fine grid is the coarse one with each cell cut in M x M, any M.
    Means keep the sum of every coarse cell. Between the `levels` the truth of a fine cell should
    lie as often as their difference says. method: a name of METHODS; without one a small network,
    or shares of the past where there are few maps. DataError, naming the nearest grid that would
    do, where the grids do not divide.
    """
    coarse = open_city(coarse)
    return fit(fine_history, coarse.flow.shape[2:], method)(coarse, levels)


def fit(
    fine_history: City, coarse_grid: Sequence[int], method: str | None = None, seed: int = 0
) -> Refiner:
    """Fit a method to fine maps, for coarse maps of `coarse_grid` (rows, columns); see `infer`.

    The first half of the maps fits, the next quarter chooses, the last calibrates.
    """
    city = open_city(fine_history)
    city = first_steps(city, city.sizes["time"])
    if len(coarse_grid) != 2:
        raise DataError(f"{city.attrs['name']}: coarse_grid {coarse_grid}: want rows, columns")
    task = make_task(city, factor_of(city, tuple(map(int, coarse_grid))))
    chosen = _method(method or (DEFAULT if len(task.train) >= LEAST else FEW))
    predictor = chosen.fit(task, profiles.settings_of("finegrained", SIZE, chosen), seed)
    places = {n: torch.tensor(city[n].values) for n in ("lat", "lon") if n in city.coords}
    bands, count = calibrated(predictor, task), len(task.test)
    card = {"bands": bands, "maps": count, "box": _box(city), **places}
    return Refiner.of(predictor, card)


load_model = Refiner.load


def factor_of(city: xr.Dataset, coarse: tuple[int, int]) -> int:
    """M, by which the fine grid refines coarse rows x columns; DataError names the nearest."""
    rows, cols = city.flow.shape[2:]
    if min(coarse) > 0 and rows % coarse[0] == 0 and rows // coarse[0] == cols / coarse[1]:
        return rows // coarse[0]
    side = (rows * cols / max(coarse[0] * coarse[1], 1)) ** 0.5
    factors = [m for m in range(1, min(rows, cols) + 1) if rows % m == cols % m == 0]
    near = min(factors, key=lambda m: abs(np.log(m / side)))
    raise DataError(f"{city.attrs['name']}: {rows} x {cols} fine cells do not divide into "
                    f"{coarse[0]} x {coarse[1]} coarse ones by one factor; the nearest that do "
                    f"are {rows // near} x {cols // near} (factor {near})")  # fmt: skip


def coarse_task(coarse: xr.Dataset, form: dict[str, Any]) -> Task:
    """Coarse maps as samples of a task of that form, without fine ones."""
    blank, ways = Task.blank(form), len(form["directions"])
    here = {"grid": tuple(side * form["factor"] for side in coarse.flow.shape[2:]),
            "directions": tuple(map(str, coarse.direction.values)),
            "unit": coarse.attrs["unit"],
            "minutes": float(coarse.attrs["step_minutes"])}  # fmt: skip
    demand_form(here, form, coarse.attrs["name"])
    flow = torch.from_numpy(np.ascontiguousarray(coarse.flow.values, np.float32))
    maps = flow.reshape(-1, 1, *flow.shape[2:])
    columns, names = external_factors(coarse)
    if names != tuple(form["external"]):
        columns = np.zeros((len(flow), len(form["external"])), np.float32)
    time = np.repeat(coarse.time.values, ways)
    return replace(blank, coarse=maps, time=time, test=torch.arange(len(maps)),
                   fine=torch.zeros(len(maps), 1, *form["grid"]),
                   external=torch.from_numpy(columns).repeat_interleave(ways, 0))  # fmt: skip


def means(predictor: Predictor, task: Task, indices: Int[Tensor, " b"]) -> Fine:
    """Fine maps that keep the sum of every coarse cell, in the task's unit.

    A block to which the method gives nothing is split evenly.
    """
    parts = [_kept(predictor(task, some), task.coarse[some], task.factor)
             for some in indices.split(BATCH)]  # fmt: skip
    return torch.cat(parts)


def _kept(fine: Fine, coarse: Float[Tensor, "sample 1 row col"], factor: int) -> Fine:
    fine = fine.double().clamp_min(0)
    total = F.avg_pool2d(fine, factor) * factor**2
    fine = torch.where(upsample_nearest(total, factor) > 0, fine, 1.0)
    total = F.avg_pool2d(fine, factor) * factor**2
    return (fine * upsample_nearest(coarse.double() / total, factor)).to(coarse.dtype)


def calibrated(predictor: Predictor, task: Task) -> list[dict[str, Any]]:
    """Bands by direction from the test part, which neither fitted nor chose; see `bounds`."""
    ways, found = len(task.directions), []
    for direction in range(ways):
        own = task.test[task.test % ways == direction]
        whole, mean = (
            upsample_nearest(task.coarse[own], task.factor),
            means(predictor, task, own),
        )
        missed = mean + (task.fine[own] - mean) / deviation(mean, whole)
        found.append(Bands.of(mean[whole > 0], missed[whole > 0]).arrays())
    return found


def deviation(mean: Fine, whole: Fine) -> Fine:
    """Of a cell's count when its block's vehicles choose one by one, in vehicles.

    sqrt(m (1 - m / x) + 1 / 4): a cell that has nearly all of its block is nearly sure.
    """
    share = mean / whole.clamp_min(torch.finfo(whole.dtype).tiny)
    return (mean * (1 - share).clamp_min(0) + 0.25).sqrt()


def bounds(
    mean: Fine, whole: Fine, ways: Sequence[dict[str, Any]], levels: Sequence[float]
) -> tuple[Fine, Fine]:
    """Lower and upper bounds of fine maps, between nothing and the `whole` block.

    Samples have the directions in turn, each with its bands of errors in `deviation`s.
    """
    lower, upper = mean.clone(), mean.clone()
    for d, bands in enumerate(ways):
        own = slice(d, None, len(ways))
        lower[own], upper[own] = Bands(**bands).bounds(mean[own], levels)
    unit = deviation(mean, whole)
    lower, upper = (mean + (end - mean) * unit for end in (lower, upper))
    return inside(lower, whole), inside(upper, whole)


def inside(bound: Fine, whole: Fine) -> Fine:
    """A bound that is neither below nothing nor above what the block holds."""
    return torch.minimum(bound.clamp_min(0), whole)


def _method(name: str) -> Method:
    from stflow_lib.finegrained import METHODS

    return named("method", METHODS, name)


def _box(city: xr.Dataset) -> dict[str, float]:
    return {edge: city.attrs[edge] for edge in EDGES if edge in city.attrs}
