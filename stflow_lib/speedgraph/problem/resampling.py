"""Every city on one grid of steps: finer readings averaged, coarser ones joined by lines."""

import numpy as np
import xarray as xr

from stflow_lib.data.errors import DataError


def resample(city: xr.Dataset, minutes: int | None) -> tuple[np.ndarray, np.ndarray]:
    """(speed [T, N] with NaN where missing, time [T]) in steps of `minutes`, from a midnight on.

    Finer steps: the mean of the readings inside, missing where all are. Coarser steps: points
    between two readings lie on their line, missing where either is; the clock is computed and
    not interpolated. DataError when neither divides the other or no whole day is there.
    """
    own = int(city.attrs["step_minutes"])
    minutes = minutes or own
    first, days = _whole_days(city, own)
    speed = city.speed.values[first : first + days * 1440 // own].astype(np.float64)
    if minutes % own == 0:
        speed = _averaged(speed, minutes // own)
    elif own % minutes == 0:
        speed = _interpolate(speed, own // minutes)
    else:
        raise DataError(f"{city.attrs['name']}: steps of {own} min do not fit {minutes} min")
    start = city.time.values[first].astype("datetime64[m]")
    return speed.astype(np.float32), start + np.arange(len(speed)) * np.timedelta64(
        minutes, "m"
    )


def _whole_days(city: xr.Dataset, minutes: int) -> tuple[int, int]:
    """First step of the first whole day, and how many whole days follow."""
    time = city.time.values.astype("datetime64[m]")
    midnight = time == time.astype("datetime64[D]")
    first = int(midnight.argmax()) if midnight.any() else len(time)
    days = (len(time) - first) * minutes // 1440
    if not days:
        raise DataError(
            f"{city.attrs['name']}: {len(time)} steps of {minutes} min, no whole day"
        )
    return first, days


def _averaged(speed: np.ndarray, count: int) -> np.ndarray:
    """Mean of the readings in each block of `count` steps."""
    blocks = speed.reshape(-1, count, speed.shape[1])
    seen = np.isfinite(blocks)
    sums, counts = np.where(seen, blocks, 0).sum(1), seen.sum(1)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _interpolate(speed: np.ndarray, count: int) -> np.ndarray:
    """`count` steps for each: the reading, then points on the line to the next one."""
    following = np.concatenate([speed[1:], np.full_like(speed[:1], np.nan)])
    parts = [speed, *(speed + (following - speed) * k / count for k in range(1, count))]
    return np.stack(parts, 1).reshape(-1, speed.shape[1])
