"""Arrays that take long to derive, kept by the content of what they were derived from."""

import hashlib
import importlib
import inspect
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stflow_lib.data.files.read import read_npz
from stflow_lib.data.files.write import write_atomic

SOURCE_MODULES = (
    "rasterize.gps",
    "rasterize.cells",
    "rasterize.segments",
    "time_axis",
)  # modules whose text decides the arrays


def cache_folder() -> Path:
    """STFLOW_CACHE, else ~/.cache/stflow/derived."""
    return Path(os.environ.get("STFLOW_CACHE") or Path.home() / ".cache" / "stflow" / "derived")


def cached(
    inputs: list[Path], parameters: dict, build: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What `build` returns, from the cache when these inputs and parameters were seen before.

    The key covers the bytes of the inputs, the parameters and the text of SOURCE_MODULES.
    The file is written aside and renamed, so it is whole or absent.
    """
    path = cache_folder() / f"{_key(inputs, parameters)}.npz"
    if not path.exists():
        _store(path, build())
    with np.load(path, allow_pickle=False) as archive:
        keys = archive.files
    return read_npz(path, keys)


def _key(inputs: list[Path], parameters: dict) -> str:
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for maker in SOURCE_MODULES:
        module = importlib.import_module(f"stflow_lib.data.{maker}")
        digest.update(inspect.getsource(module).encode())
    for path in inputs:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


def _store(path: Path, arrays: dict[str, np.ndarray]) -> None:
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomic(path, content.getvalue())
