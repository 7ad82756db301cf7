"""A stage that many runs begin with is trained once and kept for all of them.

Zero-shot, three days and thirty days of one pair start from the same network, trained on the
same source: days of the target come later.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxtyping import Shaped
from torch import Tensor, nn

from stflow_lib.gridflow.problem.city import CityFlow

try:
    import fcntl
except ImportError:  # Windows has none
    from stflow_lib.data.files import flock as fcntl  # type: ignore[no-redef]

STAMP = "stamp.json"  # the store's mark of what a run's folder belongs to


@contextmanager
def shared_stage(folder: Path | None, name: str) -> Iterator[Path | None]:
    """The folder of the stage called `name`, beside the runs and held by this process.

    `folder`: the run's own, inside a stamped one of the store; what other code, another device
    or another number of threads made is never found. A folder without a stamp above it shares
    nothing and is given back.
    """
    own = next((p for p in folder.parents if (p / STAMP).exists()), None) if folder else None
    if own is None:
        yield folder
        return
    stamp = json.loads((own / STAMP).read_text())
    made_by = [stamp.get(part) for part in ("source_hash", "device", "threads")]
    shelf = hashlib.sha256(f"{made_by} {name}".encode()).hexdigest()[:16]
    place = own.parent / "shelf" / shelf
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield place


def stage_fingerprint(network: nn.Module, cities: tuple[CityFlow, ...], *more) -> str:
    """A name for the training of this network, as it is now, on these cities.

    Equal names mean equal weights, data and `more` (settings and seed, told apart by `repr`).
    """
    found = hashlib.sha256(repr(more).encode())
    for tensor in network.state_dict().values():
        found.update(_bytes(tensor))
    for city in cities:
        parts = (city.scaled, city.low, city.high, city.mask, city.train, city.valid, city.poi)
        for tensor in parts:
            found.update(b"none" if tensor is None else _bytes(tensor))
        found.update(f"{city.name} {type(city).__name__} {city.lags}".encode())
        found.update(city.time.tobytes())
    return found.hexdigest()


def _bytes(tensor: Shaped[Tensor, "..."]) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()
