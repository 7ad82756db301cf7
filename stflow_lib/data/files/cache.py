"""Arrays that take long to derive, kept by the content of what they were derived from."""

import hashlib
import importlib
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.damaged import set_aside
from stflow_lib.data.files.open import read_bytes
from stflow_lib.data.files.paths import user_folder
from stflow_lib.data.files.read import read_npz
from stflow_lib.data.files.write import writing

SOURCE_MODULES = (
    "rasterize.gps",
    "rasterize.cells",
    "rasterize.segments",
    "time_axis",
)  # modules whose text decides the arrays


def cache_folder() -> Path:
    """STFLOW_CACHE, else ~/.cache/stflow/derived."""
    return user_folder("STFLOW_CACHE", "derived")


def cached(
    inputs: list[Path], parameters: dict, build: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What `build` returns, from the cache when these inputs and parameters were seen before.

    The key covers the bytes of the inputs, the parameters and the text of SOURCE_MODULES. A file
    that cannot be read is set aside and made anew, one that cannot be written is done without;
    both with a warning that names it.
    """
    key = _key(inputs, parameters)
    try:
        path = cache_folder() / f"{key}.npz"
        if (kept := _kept(path)) is not None:
            return kept
    except (OSError, DataError) as error:  # no such folder can be, or be looked into
        _warn_without_cache(error)
        return build()
    arrays = build()
    try:
        _store(path, arrays)
    except OSError as error:
        _warn_without_cache(error)
    return arrays


def _kept(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays in `path`; None where there are none, also because they were damaged."""
    if not path.exists():
        return None
    try:
        if not (arrays := read_npz(path)):
            raise DataError("it holds no array")
        return arrays
    except Exception as error:  # damage can show in any way, and all of it is made anew
        set_aside(path, f"damaged ({error})")
        return None


def _warn_without_cache(error: Exception) -> None:
    warnings.warn(f"derived arrays are not kept: {error}; STFLOW_CACHE names a folder for them",
                  stacklevel=4)  # fmt: skip


def _key(inputs: list[Path], parameters: dict) -> str:
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for maker in SOURCE_MODULES:
        module = importlib.import_module(f"stflow_lib.data.{maker}")
        digest.update(inspect.getsource(module).encode())
    for path in inputs:
        digest.update(hashlib.sha256(read_bytes(path)).digest())
    return digest.hexdigest()[:24]


def _store(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with writing(path) as file:
        np.savez(file, **arrays)
