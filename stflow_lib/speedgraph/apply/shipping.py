"""Make the shipped speed forecaster and its card: `python -m stflow_lib.speedgraph.apply.shipping`.

Needs the cities' files. Only cities may teach whose licence lets what was learned be passed on;
the errors of the card are of a city that did not teach.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor

from stflow_lib import __version__
from stflow_lib.data import load
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph.apply import shipped as use
from stflow_lib.speedgraph.apply.forecast import LEVELS, forecast
from stflow_lib.speedgraph.apply.series import Series
from stflow_lib.speedgraph.beyond import boosted_line
from stflow_lib.speedgraph.beyond.line import Line, changes, drawn, lent_line
from stflow_lib.speedgraph.problem.city import CitySpeed, forward_fill, mean_and_std
from stflow_lib.training import shipped
from stflow_lib.training.conformal import Bands
from stflow_lib.training.provenance.source_hash import method_hash

TEACH = ("san-diego", "bay-i680", "aarhus")  # PeMS, public; CC BY
HELD_OUT = ("la",)
MINUTES = 60
WINDOWS = 100  # of each city, that calibrate
KNOWN, EVERY = 24, 50  # steps that a held-out city has, and steps from one moment to the next


def main(path: Path = use.FILE) -> None:
    """Learn, write the numbers, judge what was written, and write the card."""
    cities = [load(name) for name in TEACH]
    series = Series.of(cities[0], MINUTES)
    sources = [series.source(city) for city in cities]
    weights = shipped.rounded(lent_line(sources, boosted_line.Settings().line).weights)
    numbers = {"minutes": 5, "lags": 12, "weights": weights,
               "bands": bands(sources, Line(weights))}  # fmt: skip
    shipped.write(path, numbers, card(cities, []))
    use.model.cache_clear()
    shipped.write(path, numbers, card(cities, [judged(load(name)) for name in HELD_OUT]))
    use.model.cache_clear()


def bands(sources: Sequence[CitySpeed], line: Line) -> list[dict[str, list[float]]]:
    """Quantiles of errors by steps ahead, each city counting alike, as if it were met first there:
    in deviations of the two hours before."""
    found = []
    for city in sources:
        met = [just_met(city, int(step)) for step in drawn(city.valid, WINDOWS)]
        off = torch.cat([errors_in(city, line) for city in met])
        order = torch.randperm(len(off), generator=torch.Generator().manual_seed(0))
        found.append(off[order])
    fewest = min(map(len, found))
    errors = torch.cat([off[:fewest] for off in found])
    made = [Bands.of(torch.zeros(len(errors)), errors[:, q]) for q in range(errors.shape[1])]
    return [{"below": one.below[0].tolist(), "above": one.above[0].tolist()} for one in made]


def just_met(city: CitySpeed, step: int) -> CitySpeed:
    """The `KNOWN` steps before a step and the labels from it on, in the scale of the former."""
    rows = slice(step - KNOWN, step + city.ahead)
    speed, seen = city.speed[rows], city.seen[rows]
    mean, deviation = mean_and_std(speed[:KNOWN], seen[:KNOWN], city.name)
    scaled = forward_fill((speed - mean) / deviation, seen)
    return replace(city, mean=mean, deviation=deviation, speed=speed, seen=seen, scaled=scaled,
                   clock=city.clock[rows], time=city.time[rows])  # fmt: skip


def errors_in(city: CitySpeed, line: Line) -> Float[Tensor, "n ahead"]:
    """Truth minus forecast behind the known steps, in deviations, of sensors measured there."""
    steps = torch.tensor([KNOWN])
    change, whole = changes(city, steps)
    return (change - line(city, steps))[whole > 0]


def card(cities: Sequence[xr.Dataset], errors: list[dict[str, Any]]) -> dict[str, Any]:
    """What the model's file does not say of itself."""
    method = boosted_line.METHOD
    return {
        "made_by": "python -m stflow_lib.speedgraph.apply.shipping", "version": __version__,
        "code": method_hash(method), "method": method.name,
        "settings": f"{method.settings().line}, no trees",
        "trained_on": [shipped.taught_by(city) for city in cities], "held_out": errors,
    }  # fmt: skip


def judged(city: xr.Dataset, rule: str = "Last value") -> dict[str, Any]:
    """Errors of forecasts of an hour in a city of which two hours are known, and of a rule's.

    inside: the share of the 90 % intervals that hold the truth.
    """
    starts = range(0, city.sizes["time"] - KNOWN - 12, EVERY)
    parts = [errors_at(city, start) for start in starts]
    off, last, inside = (np.concatenate(part) for part in zip(*parts, strict=True))
    errors = {"rmse": np.sqrt(np.square(off).mean()), "mae": abs(off).mean(),
              "inside": inside.mean(), "rule_rmse": np.sqrt(np.square(last).mean()),
              "rule_mae": abs(last).mean()}  # fmt: skip
    first = pd.Timestamp(city.time.values[0])
    return {"name": city.attrs["name"], "unit": city.attrs["unit"],
            "hours": f"{len(starts)} times 2 known, then 1, from {first}", "rule": rule,
            **{name: round(float(value), 4) for name, value in errors.items()}}  # fmt: skip


def errors_at(city: xr.Dataset, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors, errors of the last value, and whether the truth lies inside, where it is known."""
    known = with_content_hash(city.isel(time=slice(start, start + KNOWN)))
    found = forecast(known, minutes=MINUTES, levels=LEVELS)
    truth = city.speed.sel(time=found.time).values
    seen = np.isfinite(truth)
    last = np.broadcast_to(pd.DataFrame(known.speed.values).ffill().to_numpy()[-1], truth.shape)
    inside = (found.lower.values <= truth) & (truth <= found.upper.values)
    return (found["mean"].values - truth)[seen], (last - truth)[seen], inside[seen]


if __name__ == "__main__":
    main()
