"""Rolling origins: the forecasts that a city would have had at moments of its own past."""

from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash

VALUES = {"grid": "flow", "graph": "speed"}  # what is forecast of a kind of city
COLUMNS = ["days", "origin", "minutes", "mae", "rmse", "inside", "n"]
Forecast = Callable[..., xr.Dataset]  # of a wing: forecast(city, ..., method=, levels=)


def backtest(
    city: xr.Dataset, method: str | None = None, *, forecast: Forecast,
    days: Sequence[float | int] = (1, 2, 4), origins: int = 5,
    levels: Sequence[float] = (0.05, 0.95), **horizon: Any,
) -> pd.DataFrame:  # fmt: skip
    """Errors by minutes ahead and by days of own data, at `origins` moments of the past.

    At each moment `forecast` (that of gridflow or speedgraph) is given the `days` just before it
    and nothing else; horizon: `hours=` or `minutes=`, as it takes them. The moments are the same
    for all `days` and spread over what leaves the most days before and the horizon after.
    A row for each days, origin (first step that is forecast) and minutes: mae, rmse in the
    city's unit, inside (share within the levels) and n, over what was measured. Grid cities
    count the cells in which there ever is a trip. DataError where the city is too short.
    """
    name, step = city.attrs["name"], city.attrs["step_minutes"]
    if not days or min(days) <= 0 or origins < 1:
        raise DataError(f"{name}: days {list(days)}, {origins} origins: want some above 0")
    ahead, lines = _ahead(step, horizon), []
    for end in _origins(city, round(max(days) * 1440 / step), ahead, origins):
        for amount in days:
            seen = city.isel(time=slice(end - round(amount * 1440 / step), end))
            with redirect_stdout(StringIO()):  # what a fit says of the city, it says each time
                found = forecast(
                    with_content_hash(seen), method=method, levels=levels, **horizon
                )
            lines += [(amount, found.time.values[0], *e) for e in _errors(city, found)]
    table = pd.DataFrame(lines, columns=COLUMNS)
    table.attrs = {"name": name, "unit": city.attrs["unit"], "method": found.attrs["method"]}
    return table


def _ahead(step: float, horizon: dict[str, Any]) -> int:
    """Steps of `hours=` or `minutes=`."""
    minutes = horizon.get("minutes") or 60 * horizon.get("hours", 0)
    if not minutes:
        raise DataError(f"horizon {horizon}: want hours=... or minutes=...")
    return int(minutes // step)


def _origins(city: xr.Dataset, before: int, ahead: int, count: int) -> list[int]:
    """Steps that have so many before them and `ahead` from them on, evenly spread.

    No two at the same time of the day as long as there is room: rush hours count as others do.
    """
    last = city.sizes["time"] - ahead
    if last < before:
        raise DataError(f"{city.attrs['name']}: {city.sizes['time']} steps, {before} before an "
                        f"origin and {ahead} after it are asked for")  # fmt: skip
    return sorted({int(step) for step in np.linspace(before, last, count).round()})


def _errors(city: xr.Dataset, found: xr.Dataset):
    """(minutes, mae, rmse, inside, n) of each step of a forecast."""
    values = city[VALUES[city.attrs["kind"]]]
    truth = values.sel(time=found.time).transpose(*found["mean"].dims)
    counted = truth.notnull() & found["mean"].notnull()
    if city.attrs["kind"] == "grid":
        counted &= (values > 0).any("time")
    for k in range(found.sizes["time"]):
        known = counted[k].values
        y, *guess = (
            x[k].values[known] for x in (truth, found["mean"], found.lower, found.upper)
        )
        off, n = guess[0] - y, int(known.sum())
        inside = ((guess[1] <= y) & (y <= guess[2])).mean() if n else np.nan
        mae, rmse = (abs(off).mean(), np.square(off).mean() ** 0.5) if n else (np.nan,) * 2
        yield (k + 1) * city.attrs["step_minutes"], float(mae), float(rmse), float(inside), n
