"""What the data of a run are now, so that a record of other data is seen to be stale."""

from functools import cache
from types import SimpleNamespace

from stflow_lib.gridflow.opening import open_task, split_pair
from stflow_lib.runs.hashing import city_hash


def data_hash(run) -> str | None:
    """Content hash of all cities of a run, POI included; None when one of them is not here."""
    return _hash(run.city, run.protocol, run.scarcity)


@cache
def _hash(city: str, protocol: str, scarcity: str) -> str | None:
    sources, target = split_pair(city)
    if any(city_hash(name) is None for name in (*sources, target)):
        return None
    return open_task(SimpleNamespace(city=city, protocol=protocol, scarcity=scarcity)).data_hash
