"""Make the shipped demand forecaster and its card: `python -m stflow_lib.gridflow.apply.shipping`.

Needs the cities' files. Only cities may teach whose licence lets what was learned be passed on;
the errors of the card are of cities that did not teach.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import xarray as xr

from stflow_lib import __version__
from stflow_lib.data import load
from stflow_lib.data.schema import with_content_hash
from stflow_lib.gridflow.apply import shipped as use
from stflow_lib.gridflow.apply.forecast import Forecaster, fit
from stflow_lib.gridflow.apply.rollout import rolled
from stflow_lib.gridflow.beyond import boosted_line
from stflow_lib.training import shipped
from stflow_lib.training.provenance.source_hash import method_hash

TEACH = ("jonas-nyc-taxi", "jonas-dc-taxi", "jonas-nyc-bike", "jonas-dc-bike")  # MIT
HELD_OUT = ("bikes-chicago-2021", "bikes-dc-2021", "taxi-sf-trips")
RULE = "Previous hour"
KNOWN, LATER, EVERY = 36, 168, 3  # hours that a held-out city has, that are forecast, origins
AHEAD = 6


def main(path: Path = use.FILE) -> None:
    """Learn, write the numbers, judge what was written, and write the card."""
    sources = [load(name) for name in TEACH]
    city = first_hours(sources[0], 0, KNOWN)
    learned = fit(city, sources, AHEAD, boosted_line.METHOD.name).predictor.learned
    numbers = {"minutes": 60, "lags": 6, "lines": learned["lines"]}
    shipped.write(path, numbers, card(sources, []))
    use.model.cache_clear()
    shipped.write(path, numbers, card(sources, [judged(load(name)) for name in HELD_OUT]))
    use.model.cache_clear()


def card(sources: Sequence[xr.Dataset], errors: list[dict[str, Any]]) -> dict[str, Any]:
    """What the model's file does not say of itself."""
    method = boosted_line.METHOD
    return {
        "made_by": "python -m stflow_lib.gridflow.apply.shipping", "version": __version__,
        "code": method_hash(method), "method": method.name,
        "settings": str(method.settings()),
        "trained_on": [shipped.taught_by(city) for city in sources], "held_out": errors,
    }  # fmt: skip


def judged(city: xr.Dataset) -> dict[str, Any]:
    """Errors in a city of which a day and a half is known, beside those of `RULE`.

    Over valid cells, `AHEAD` hours ahead, from origins in the week after; inside: the share of
    the 90 % intervals that hold the truth.
    """
    second = 7 * 24
    known, whole = (first_hours(city, second, n) for n in (KNOWN, KNOWN + LATER))
    of = {name: errors_of(fit(known, (), AHEAD, name), whole) for name in (None, RULE)}
    hours = f"{KNOWN} known, then {LATER}, from {pd.Timestamp(known.time.values[0])}"
    return {"name": city.attrs["name"], "unit": city.attrs["unit"], "hours": hours,
            "ahead": AHEAD, **of[None], "rule": RULE, "rule_rmse": of[RULE]["rmse"]}  # fmt: skip


def errors_of(model: Forecaster, whole: xr.Dataset) -> dict[str, float]:
    """rmse, mae and inside of a model that knows the first `KNOWN` hours."""
    task = model._task(whole)
    origins = torch.arange(KNOWN, len(task.target.flow) - AHEAD, EVERY)
    guess = rolled(model.predictor, task, origins, AHEAD)
    truth = task.target.flow[origins[:, None] + torch.arange(AHEAD)]
    ends = zip(*(model._bounds(one, (0.05, 0.95)) for one in guess), strict=True)
    lower, upper = map(torch.stack, ends)
    live = task.target.mask
    off = (guess - truth)[:, :, live].double()
    inside = ((lower <= truth) & (truth <= upper))[:, :, live].double().mean()
    found = {"rmse": off.square().mean().sqrt(), "mae": off.abs().mean(), "inside": inside}
    return {name: round(value.item(), 4) for name, value in found.items()}


def first_hours(city: xr.Dataset, begin: int, count: int) -> xr.Dataset:
    """`count` steps of a city from `begin` on."""
    return with_content_hash(city.isel(time=slice(begin, begin + count)))


if __name__ == "__main__":
    main()
