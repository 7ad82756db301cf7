"""Weather and calendar as numbers beside a map."""

import numpy as np
import pandas as pd
import xarray as xr
from pandas.tseries.holiday import USFederalHolidayCalendar

CALENDAR = ("holiday", "weekend", "weekday", "hour")


def external_factors(city: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The city's own factors [T, E], else the calendar's where its clock is known."""
    if "external" in city:
        return city.external.values.astype(np.float32), tuple(map(str, city.factor.values))
    if city.attrs["zone"] == "nominal":
        return np.zeros((city.sizes["time"], 0), np.float32), ()
    time = pd.DatetimeIndex(city.time.values)
    columns = [
        _holidays(time, city.attrs["zone"]),
        time.dayofweek > 4,
        time.dayofweek + 1,
        time.hour,
    ]
    return np.stack(columns, 1).astype(np.float32), CALENDAR


def _holidays(time: pd.DatetimeIndex, zone: str) -> np.ndarray:
    """US federal holidays for American clocks; elsewhere none is known."""
    if not zone.startswith("America/"):
        return np.zeros(len(time))
    days = USFederalHolidayCalendar().holidays(time[0].normalize(), time[-1])
    return time.normalize().isin(days)
