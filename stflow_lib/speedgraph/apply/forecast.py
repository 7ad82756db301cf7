"""The minutes after the last that a city has, with intervals that held-out hours have calibrated.

Methods are fitted twice: to all but the last part of the series, whose errors make the intervals,
and to all of it, for the forecast.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.export import located
from stflow_lib.speedgraph.apply import shipped
from stflow_lib.speedgraph.apply.choice import fitted, names_of, weighed
from stflow_lib.speedgraph.apply.intervals import Intervals
from stflow_lib.speedgraph.apply.series import Series, drawn, opened, rescaled
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.calibrated import Calibrated
from stflow_lib.training.conformal import demand_levels
from stflow_lib.training.mixture import mixed, title

LEVELS = (0.05, 0.95)
GRAPHS = {
    "own": "the city's adjacency",
    "learned": "no adjacency: a graph from correlations of changes between steps",
    "none": "no adjacency and no correlated sensors: no graph",
}


class Forecaster(Calibrated):
    """A fitted method with the intervals of its forecasts; `fit` and `load_model` make one.

    card: the sensors, the scale, the learned graph, the intervals, and where they come from.
    """

    def __call__(self, city: xr.Dataset | str, levels: Sequence[float] = LEVELS) -> xr.Dataset:
        """mean, lower and upper (time, node) for the steps after the city's last.

        In the city's unit, NaN for a sensor that was never read. The city may have got more
        steps since the fit, or its sensors another order. DataError, naming the city, for
        sensors, steps or units that the model was not made for.
        """
        levels = demand_levels(levels)
        series = Series.of(self._known(opened(city)), 0, self.predictor.made.form["ahead"])
        task = series.asked([], series.end)
        target = rescaled(task.target, self.card["mean"], self.card["deviation"])
        task = replace(task, target=target)
        mean = self.predictor(task, task.test).clamp_min(0)
        ends = Intervals.stored(self.card["intervals"]).bounds(mean, levels)
        return self._dataset(series, task, levels, mean, *ends)

    def _known(self, city: xr.Dataset) -> xr.Dataset:
        """The model's sensors, in its order, with the graph that it learned."""
        form, name = self.predictor.made.form, city.attrs["name"]
        own = {"minutes": city.attrs["step_minutes"], "unit": city.attrs["unit"]}
        for part, value in own.items():
            if value != form[part]:
                raise DataError(f"{name}: {part} {value}, the model of {form['city']} was made "
                                f"for {form[part]}")  # fmt: skip
        sensors, weights = self.card["sensors"], self.card["weights"]
        if sorted(map(str, city.node.values)) != sorted(map(str, sensors)):
            raise DataError(f"{name}: {city.sizes['node']} sensors, the model was made for the "
                            f"{len(sensors)} of {form['city']}")  # fmt: skip
        city = city.sel({axis: sensors for axis in ("node", "node_to") if axis in city.dims})
        if weights is None:
            return city
        city = city.drop_vars(["adjacency", "node_to"], errors="ignore")
        return city.assign(adjacency=(("node", "node_to"), np.asarray(weights)))

    def _dataset(self, series: Series, task: Task, levels, *found) -> xr.Dataset:
        """mean, lower and upper as one dataset."""
        city, read = series.city, task.target.seen.any(0)
        maps = [torch.where(read[:, None], x[0], torch.nan).T.numpy(force=True) for x in found]
        recent = task.target.seen[series.end - task.protocol.lags : series.end].any(0)
        kept = ("name", "zone", "unit", "step_minutes", "source", "licence")
        told = {name: self.card[name] for name in ("graph", "days", "sources", "calibrated_on")}
        named = zip(("mean", "lower", "upper"), maps, strict=True)
        return xr.Dataset(
            {name: (("time", "node"), values) for name, values in named},
            {"time": series.time[series.end :], "node": city.node.values,
             **{axis: ("node", located(city)[axis].values) for axis in ("lat", "lon")}},
            {**{name: city.attrs[name] for name in kept}, "kind": "forecast", **told,
             "method": title(self.predictor),
             "never_read": int((~read).sum()), "not_read_lately": int((~recent).sum()),
             "lower_level": levels[0], "upper_level": levels[1]},
        )  # fmt: skip


def forecast(
    city: xr.Dataset | str, sources: Sequence[xr.Dataset | str] = (), minutes: float | int = 60,
    method: str | None = None, levels: Sequence[float] = LEVELS,
) -> xr.Dataset:  # fmt: skip
    """mean, lower and upper (time, node) for the `minutes` after a city's last step.

    city, sources: datasets or names of the catalogue; a source is a city with a longer record to
    learn from. Any step that divides a day will do, partial days are kept, and missing values
    may stand anywhere; without an adjacency a graph is made from correlations. method: a name of
    METHODS, else the one that "What to use" names mixed with simple ones by their errors, or with
    less than a day of five-minute steps and no source a model that comes with the package
    (`apply.shipped`). Between the two `levels` the truth should lie as often as their difference
    says. DataError names what is wrong.
    """
    return fit(city, sources, minutes, method)(city, levels)


def fit(
    city: xr.Dataset | str, sources: Sequence[xr.Dataset | str] = (), minutes: float | int = 60,
    method: str | None = None, seed: int = 0,
) -> Forecaster:  # fmt: skip
    """Fit a method to a city and calibrate its forecasts for `minutes`; see `forecast`.

    One line is printed where the city has no adjacency.
    """
    series = Series.of(opened(city), minutes)
    lent = [series.source(opened(source)) for source in sources]
    if not (method or lent) and shipped.fits(series):
        return _taught_elsewhere(series)
    shares, told = _judged(series, lent, names_of(method, bool(lent)), seed)
    whole = series.task(lent, series.end)
    predictor = mixed([fitted(name, whole, seed) for name in shares], list(shares.values()))
    card = {**_card(series, whole), **told}
    if card["graph"] != GRAPHS["own"]:
        print(f"{series.city.attrs['name']}: {card['graph']}")
    return Forecaster.of(predictor, card)


def _judged(
    series: Series, lent: Sequence[CitySpeed], names: Sequence[str], seed: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """The shares of methods that know all but the last part, and what a card says of their
    errors there."""
    cut = series.end - series.last_part(series.end)
    task = series.task(lent, cut)
    shares = {n: s for n, s in zip(names, weighed(names, task, seed), strict=True) if s}
    found = mixed([fitted(name, task, seed) for name in shares], list(shares.values()))
    held_out = torch.arange(cut, series.end - series.protocol.ahead + 1)
    held_out = drawn(held_out, series.city.sizes["node"])
    intervals = Intervals.of(found, task, held_out)
    since = series.time[cut].astype("datetime64[m]")
    told = {"intervals": intervals.arrays(),
            "calibrated_on": f"{len(held_out)} windows from {since}"}  # fmt: skip
    return shares, told


def _taught_elsewhere(series: Series) -> Forecaster:
    task = series.asked([], series.end)
    predictor, intervals = shipped.predictor(task)
    told = {"sources": predictor.notes[shipped.NOTE], "calibrated_on": shipped.CALIBRATED}
    card = {**_card(series, task), "intervals": intervals.arrays(), **told}
    return Forecaster.of(predictor, card)


def _card(series: Series, task: Task) -> dict[str, Any]:
    city, own = task.target, "adjacency" in series.city
    graph = GRAPHS["own" if own else "learned" if city.has_graph else "none"]
    return {
        "sensors": series.city.node.values.tolist(), "mean": city.mean,
        "deviation": city.deviation, "graph": graph, "days": round(task.days, 2),
        "weights": city.weights if city.has_graph and not own else None,
        "sources": ", ".join(source.name for source in task.sources),
    }  # fmt: skip


load_model = Forecaster.load
