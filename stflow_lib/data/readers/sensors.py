"""Sensors of several files brought together by their ids, never by their order."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError


def sensor_ids(names: Iterable, path: Path) -> np.ndarray:
    """Ids [N] of the sensors of `path` as int64, from numbers, text or bytes.

    DataError names the first that is no whole number (a doubled column reads `7.1`), or that
    stands there twice.
    """
    ids = [_whole(name, path) for name in names]
    double = pd.Index(ids)[pd.Index(ids).duplicated()]
    if len(double):
        raise DataError(f"{path}: sensor {double[0]} stands there twice")
    return exact(ids, np.int64, f"{path}: sensor") if ids else np.empty(0, np.int64)


def _whole(name, path: Path) -> int:
    try:
        number = float(name) if isinstance(name, float) else int(name)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {name!r} is no sensor id") from error
    return int(exact(number, np.int64, f"{path}: sensor"))


def positions(names: Iterable, wanted: np.ndarray, path: Path) -> np.ndarray:
    """Where each of the sensors `wanted` [N] stands among the `names` of the file `path`.

    DataError for one that is missing there, and for what `sensor_ids` refuses.
    """
    at = pd.Index(sensor_ids(names, path)).get_indexer(pd.Index(wanted))
    absent = np.flatnonzero(at < 0)
    if len(absent):
        raise DataError(f"{path}: sensor {wanted[absent[0]]} is missing")
    return at


def require_series(data: dict[str, np.ndarray], keys: Iterable[str], path: Path) -> None:
    """DataError unless each of `keys` in an opened file is [T, N] for its `time` and `sensor`."""
    shape = (*np.shape(data["time"]), *np.shape(data["sensor"]))
    for key in keys:
        if np.shape(data[key]) != shape:
            raise DataError(f"{path}: {key} has shape {np.shape(data[key])}, not {shape}, "
                            "time by sensor")  # fmt: skip
