"""A simulated city as a person has it: fine maps of the past, coarse ones of the present."""

import xarray as xr

from stflow_lib.data.schema import block_sum, grid_city, with_content_hash
from stflow_lib.data.simulate import CITIES

CARD = ("name", "zone", "unit", "step_minutes", "source", "licence")


def coarse_and_past(name: str, factor: int, steps: int = 48) -> tuple[xr.Dataset, xr.Dataset]:
    """The city but its last steps, and the block sums of these by `factor`."""
    city = CITIES[name]()[0]
    past = city.isel(time=slice(None, -steps))
    last = city.isel(time=slice(-steps, None))
    attrs = {key: city.attrs[key] for key in CARD}
    flow, ways = block_sum(last.flow.values, factor), list(city.direction.values)
    sums = grid_city(flow, last.time.values, ways, **attrs)
    attrs = {key: value for key, value in past.attrs.items() if key != "split"}
    past = past.drop_attrs(deep=False).assign_attrs(attrs)
    return with_content_hash(past), with_content_hash(sums)
