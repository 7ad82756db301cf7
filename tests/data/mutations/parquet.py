"""What happens to parquet tables: rows, columns, degrees, times, types and values."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd


def _parquet(change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "") -> Callable:
    """A change of a frame as one of a parquet file."""

    def on_file(path: Path, rng) -> None:
        change(pd.read_parquet(path)).to_parquet(path, index=False)

    on_file.__name__ = name or change.__name__
    return on_file


def delete_row(t):
    return t.drop(index=len(t) // 2)


def duplicate_row(t):
    return pd.concat([t, t.tail(1)])


def swap_rows(t):
    return t.iloc[[1, 0, *range(2, len(t))]]


def reverse_rows(t):
    return t.iloc[::-1]


def no_rows(t):
    return t.head(0)


def reorder_columns(t):
    return t[t.columns[::-1]]


def extra_column(t):
    return t.assign(note="x")


def upper_case_names(t):
    return t.rename(columns=str.upper)


def degrees_turned(t):
    return t.rename(columns={"lat": "lon", "lon": "lat"})


def degrees_of_other_unit(t):
    """1e-5 degrees as degrees, degrees as 1e-5 degrees."""
    factor = 1e-5 if t["lat"].abs().max() > 180 else 1e5
    return t.assign(lat=t["lat"] * factor, lon=t["lon"] * factor)


def time_in_ms(t):
    return t.assign(time=t["time"] * 1000)


def time_in_ns(t):
    return t.assign(time=t["time"] * 10**9)


def time_as_stamps(t):
    return t.assign(time=pd.to_datetime(t["time"], unit="s"))


def time_of_1970(t):
    return t.assign(time=t["time"].where(t.index > 0, 0))


def time_of_2099(t):
    return t.assign(time=t["time"].where(t.index < len(t) - 1, 4_070_908_800))


def time_doubled(t):
    return t.assign(time=t["time"].where(t.index != 1, t["time"][0]))


FRAMES = [
    delete_row, duplicate_row, swap_rows, reverse_rows, no_rows, reorder_columns, extra_column,
    upper_case_names, degrees_turned, degrees_of_other_unit,
]  # fmt: skip
TIMES = [time_in_ms, time_in_ns, time_as_stamps, time_of_1970, time_of_2099, time_doubled]


def in_column(column: str, kind: str) -> Callable:
    """One column left out, of another type, or with one other value in its middle."""

    def change(t: pd.DataFrame) -> pd.DataFrame:
        if kind == "missing":
            return t.drop(columns=column)
        if kind in ("float32", "uint8", "int8", "str", "int64", "float64", "bool"):
            return t.assign(**{column: t[column].astype(kind)})
        values = t[column].astype(object if kind == "null" else float)
        values.iloc[len(t) // 2] = {"null": None, "minus": -7.0, "inf": np.inf, "huge": 1e39}[
            kind
        ]
        return t.assign(**{column: values})

    return _parquet(change, f"{column}_{kind}")


KINDS = ("missing", "float32", "uint8", "int8", "str", "int64", "float64", "bool", "null", "minus",
         "inf", "huge")  # fmt: skip


def of_parquet(path: Path) -> list[Callable]:
    """All changes of a parquet file."""
    table = pd.read_parquet(path)
    frames = [*FRAMES, *(TIMES if "time" in table else [])]
    return [*map(_parquet, frames), *(in_column(c, k) for c in table for k in KINDS)]
