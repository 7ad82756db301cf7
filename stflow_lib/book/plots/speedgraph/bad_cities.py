"""Cities with something wrong, made from a good one; the problem page tries what they do."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from stflow_lib.data.schema import with_content_hash


def altered(
    city: xr.Dataset, change: Callable[[xr.Dataset], None] = lambda city: None,
    take=slice(None), **attrs,
) -> xr.Dataset:  # fmt: skip
    """A sealed copy of some time steps of a city after `change(copy)`, with new attributes."""
    copy = city.isel(time=take).copy(deep=True)
    change(copy)
    return with_content_hash(copy, **attrs)


def with_readings(
    value: float, node=slice(None), rows=slice(None)
) -> Callable[[xr.Dataset], None]:
    """A change that puts one value in place of the readings of some sensors at some steps."""
    return lambda city: city.speed.values.__setitem__((rows, node), value)


def isolate_first(city: xr.Dataset) -> None:
    """Cut every link of the first sensor."""
    city.adjacency.values[0, 1:] = city.adjacency.values[1:, 0] = 0


def cut_in_half(city: xr.Dataset) -> None:
    """Cut every link between the first half of the sensors and the others."""
    half = city.sizes["node"] // 2
    city.adjacency.values[:half, half:] = city.adjacency.values[half:, :half] = 0


def with_noise(city: xr.Dataset, first: int, last: int) -> xr.Dataset:
    """The city with the readings of each sensor on the days [first, last) in random order."""
    day = 1440 // city.attrs["step_minutes"]

    def shuffle(copy: xr.Dataset) -> None:
        rows = copy.speed.values[first * day : last * day]
        rows[:] = np.random.default_rng(0).permuted(rows, axis=0)

    return altered(city, shuffle)
