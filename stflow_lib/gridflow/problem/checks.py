"""Which cities can meet in a transfer task: every error comes before any training."""

from collections.abc import Sequence

import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import check_city
from stflow_lib.gridflow.problem.protocol import Protocol


def check_cities(
    target: xr.Dataset, sources: Sequence[xr.Dataset], protocol: Protocol, need_poi: bool
) -> None:
    """DataError, naming the city, unless all are grids that fit together and the protocol."""
    for city, steps in [
        *((s, protocol.source_steps) for s in sources),
        (target, protocol.steps),
    ]:
        check_city(city)
        _demand(city.attrs["kind"] == "grid", city, f"a {city.attrs['kind']} city, not a grid")
        have = city.sizes["time"]
        _demand(have >= steps, city, f"{have} steps, protocol {protocol.name} needs {steps}")
    for city in sources:
        _demand_same(city, target, "step_minutes")
        _demand_directions(city, target)
        _demand_clocks(city, target, protocol)
        if need_poi:
            _demand_poi(city)


def first_step(target: xr.Dataset, protocol: Protocol, days: int, lags: int) -> int:
    """The step with which the last `days` days before validation begin.

    DataError when the target does not reach back that far, `lags` input steps included.
    """
    day = steps_a_day(target)
    first = protocol.valid - days * day
    if days < 0 or first < (lags if days else 0):
        have = (protocol.valid - lags) / day
        raise DataError(
            f"{target.attrs['name']}: {days} days of training data are asked for, protocol "
            f"{protocol.name} has {have:.4g} before its validation part"
        )
    return first


def steps_a_day(city: xr.Dataset) -> int:
    """Steps in 24 hours."""
    return 1440 // int(city.attrs["step_minutes"])


def _demand(holds: bool, city: xr.Dataset, rule: str):
    if not holds:
        raise DataError(f"{city.attrs['name']}: {rule}")


def _demand_same(source, target, attribute: str):
    pair = [city.attrs[attribute] for city in (source, target)]
    same = pair[0] == pair[1]
    _demand(same, source, f"{attribute} {pair[0]}, target {target.attrs['name']} {pair[1]}")


def _demand_directions(source, target):
    ways = [list(map(str, city.direction.values)) for city in (source, target)]
    same = ways[0] == ways[1]
    _demand(same, source, f"directions {ways[0]}, target {target.attrs['name']} {ways[1]}")


def _demand_clocks(source, target, protocol: Protocol):
    """One zone, or a protocol that says that local days meet; a nominal clock meets no other."""
    zones = {city.attrs["zone"] for city in (source, target)}
    if not (protocol.local_clocks and "nominal" not in zones):
        _demand_same(source, target, "zone")


def _demand_poi(source):
    has = "poi" in source and bool(source.poi.values.any())
    how = "give it poi (category, row, col), see gridflow.problem.regions, or choose need_poi=False"
    _demand(has, source, f"a source without POI; {how}")
