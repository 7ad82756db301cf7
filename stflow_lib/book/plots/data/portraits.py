"""The numbers beside the pictures of cities: size, level, gaps, concentration and echo."""

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.book.plots.data.cities import total


def portraits(cities: dict[str, xr.Dataset]) -> pd.DataFrame:
    """A row for each city: units, active, mean, day, week, and what its kind has besides.

    Grids have zeros and top tenth, graphs have missing; the other kind's cells are NaN.
    """
    rows = [portrait(city) for city in cities.values()]
    columns = ["units", "active", "mean", "zeros", "top tenth", "day", "week", "missing"]
    return pd.DataFrame(rows, index=list(cities)).reindex(columns=columns)


def portrait(city: xr.Dataset) -> dict[str, float]:
    """The row of one city."""
    series, step = total(city).to_series(), city.attrs["step_minutes"]
    own = _grid(city) if city.attrs["kind"] == "grid" else _graph(city)
    return own | {"day": echo(series, 24, step), "week": echo(series, 168, step)}


def echo(series: pd.Series, hours: int, step_minutes: int) -> float:
    """Correlation of a series with itself `hours` earlier; NaN when the record is too short."""
    lag = hours * 60 // step_minutes
    return series.autocorr(lag) if len(series) >= 2 * lag else np.nan


def _grid(city: xr.Dataset) -> dict[str, float]:
    """Of cells that are ever active: mean and share of zeros; share of the busiest tenth."""
    cells = city["flow"].sum("direction").values.reshape(city.sizes["time"], -1)
    mean = np.sort(cells.mean(0, dtype="f8"))[::-1]
    active = cells[:, cells.any(0)]
    return {
        "units": cells.shape[1],
        "active": active.shape[1],
        "mean": active.mean(dtype="f8"),
        "zeros": (active == 0).mean(),
        "top tenth": mean[: max(len(mean) // 10, 1)].sum() / mean.sum(),
    }


def _graph(city: xr.Dataset) -> dict[str, float]:
    """Sensors in all and ever heard, mean speed, share of missing readings."""
    speed = city["speed"]
    return {
        "units": city.sizes["node"],
        "active": int(speed.notnull().any("time").sum()),
        "mean": float(speed.mean()),
        "missing": float(speed.isnull().mean()),
    }
