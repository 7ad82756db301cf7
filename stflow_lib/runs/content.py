"""What the data of a transfer are now, so that a record of other data is seen to be stale."""

import re
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

from stflow_lib.runs.hashing import city_hash


def transfer_hash(open_task: Callable, run) -> str | None:
    """Content hash of all cities of a run, as its task has them; None when one is not here."""
    return _hash(open_task, run.city, run.protocol, run.scarcity)


@cache
def _hash(open_task: Callable, city: str, protocol: str, scarcity: str) -> str | None:
    if any(city_hash(name) is None for name in re.split("[+>]", city)):
        return None
    return open_task(SimpleNamespace(city=city, protocol=protocol, scarcity=scarcity)).data_hash
