"""Weather and calendar as numbers beside a map."""

import warnings

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.calendars import public_holidays
from stflow_lib.data.errors import DataError


def external_factors(city: xr.Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """The city's own factors [T, E], else the calendar's where its clock is known.

    The column "holiday" is left out, with a warning, where no public holidays are known.
    """
    if "external" in city:
        return city.external.values.astype(np.float32), tuple(map(str, city.factor.values))
    if city.attrs["zone"] == "nominal":
        return np.zeros((city.sizes["time"], 0), np.float32), ()
    time = pd.DatetimeIndex(city.time.values)
    columns = {"weekend": time.dayofweek > 4, "weekday": time.dayofweek + 1, "hour": time.hour}
    try:
        columns = {"holiday": public_holidays(time, city.attrs["zone"])} | columns
    except DataError as error:
        warnings.warn(f"{city.attrs['name']}: no factor 'holiday': {error}", stacklevel=2)
    return np.stack([*columns.values()], 1).astype(np.float32), tuple(columns)
