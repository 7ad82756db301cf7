"""A fitted model's folder is stamped with what was fitted, and refuses everything else."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from stflow_lib.data.files.write import write_atomic
from stflow_lib.training.provenance.source_hash import method_hash

FILE = "fitted.json"
OTHER = "another fit needs another folder"


def claim(folder: Path, method: Any, task: Any, settings: Any, seed: int) -> None:
    """Make an empty folder that of this fit, or find that it is already.

    ValueError, naming the folder and what differs, where it holds another fit's checkpoints,
    or checkpoints of which nothing says what they were fitted to.
    """
    stamp = json.loads(json.dumps(dict(_stamp(method, task, settings, seed))))
    mark = folder / FILE
    if mark.exists():
        _compare(mark, _read(mark), stamp)
    elif any(folder.rglob("*.pt")):
        raise ValueError(
            f"{folder}: checkpoints without {FILE}, fitted to nobody knows what; {OTHER}"
        )
    else:
        write_atomic(mark, json.dumps(stamp, indent=1).encode())


def content_hash(value: Any) -> str:
    """sha256 of a task by its content: tensors and arrays by their numbers, the rest as text."""
    digest = hashlib.sha256()
    for part in _bytes(value):
        digest.update(part)
    return digest.hexdigest()


def _stamp(method: Any, task: Any, settings: Any, seed: int) -> Iterator[tuple[str, Any]]:
    yield from {"method": method.name, "seed": seed}.items()
    yield from _flat("settings", dataclasses.asdict(settings))
    yield from {"data": content_hash(task), "code": method_hash(method)}.items()


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Nested settings as one level of dotted names."""
    if isinstance(value, dict):
        for inner, more in value.items():
            yield from _flat(f"{name}.{inner}", more)
    else:
        yield name, value


def _read(mark: Path) -> dict:
    try:
        known = json.loads(mark.read_bytes())
    except ValueError as error:
        raise ValueError(f"{mark}: not readable ({error}); {OTHER}") from None
    if not isinstance(known, dict):
        raise ValueError(f"{mark}: no stamp of a fit; {OTHER}")
    return known


def _compare(mark: Path, known: dict, stamp: dict) -> None:
    differing = [
        f"{name} {known.get(name)!r}, not {stamp.get(name)!r}"
        for name in {**stamp, **known}
        if known.get(name) != stamp.get(name)
    ]
    if differing:
        raise ValueError(f"{mark.parent}: fitted with {'; '.join(differing)}; {OTHER}")


def _bytes(value: Any) -> Iterator[bytes]:
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype.str}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        yield f"{len(value)} names".encode()
        for name, inner in value.items():
            yield repr(name).encode()
            yield from _bytes(inner)
    elif isinstance(value, list | tuple | np.ndarray):
        yield f"{len(value)} parts".encode()
        for inner in value:
            yield from _bytes(inner)
    elif hasattr(value, "__dict__"):
        yield type(value).__qualname__.encode()
        yield from _bytes(vars(value))
    else:
        yield repr(value).encode()
