"""Sensors of several files brought together by their ids, never by their order."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import named
from stflow_lib.data.files.read import read_npz, read_table
from stflow_lib.data.schema import as_time


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


def read_series(path: Path, dtypes: dict[str, type]) -> dict[str, np.ndarray]:
    """Arrays [T, N] of an npz file in the types given, its `time` [T] and `sensor` ids [N].

    DataError for what is missing, of another shape or type, or does not fit.
    """
    data = read_npz(path, [*dtypes, "time", "sensor"])
    for key in ("time", "sensor"):
        if data[key].ndim != 1:
            raise DataError(f"{path}: {key} has shape {data[key].shape}, not one axis")
    with named(path):
        series = {"time": as_time(data["time"]), "sensor": sensor_ids(data["sensor"], path)}
    shape = (*series["time"].shape, *series["sensor"].shape)
    for key, dtype in dtypes.items():
        if data[key].shape != shape:
            raise DataError(f"{path}: {key} has shape {data[key].shape}, not {shape}, "
                            "time by sensor")  # fmt: skip
        series[key] = exact(data[key], dtype, f"{path}: {key}")
    return series


def sensors_table(speed: dict, path: Path, names) -> pd.DataFrame:
    """Numbers of the table of sensors in the order of the speeds.

    names: the columns, that of the ids first; a dictionary gives them other names.
    """
    known, *numbers = names
    table = read_table(path, [known], numbers)
    at = positions(table[known], speed["sensor"], path)
    table = table.iloc[at].reset_index(drop=True).assign(**{known: speed["sensor"]})
    return table.rename(columns=names) if isinstance(names, dict) else table


def stamps(texts: pd.Series, path: Path, form: str | None = None) -> pd.DatetimeIndex:
    """Local time stamps of a column; DataError with the file and the first that is none."""
    try:
        return pd.DatetimeIndex(as_time(pd.to_datetime(texts, format=form)))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error
