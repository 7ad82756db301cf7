"""Anybody's GPS fixes: a table with any names -> the columns of `Fixes`, and what was left out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import degrees_e5
from stflow_lib.data.readers.your_trips import degrees_of, instants_of


@dataclass(frozen=True)
class Dropped:
    """How many rows of a table are no fixes, and why."""

    rows: int
    nowhere: int  # no place on the globe
    undated: int  # no readable time
    double: int  # a second fix of one taxi in one second


def fix_columns(
    table: pd.DataFrame, taxi: str, time: str, lat: str, lon: str, occupied: str | None = None,
    zone: str | None = None,
) -> tuple[list[np.ndarray], Dropped]:  # fmt: skip
    """taxi, time, lat, lon, occupied as `Fixes` has them, and what was dropped; see `from_frame`.

    One line is printed.
    """
    names = [name for name in (taxi, time, lat, lon, occupied) if name is not None]
    if missing := [name for name in names if name not in table]:
        raise DataError(
            f"fixes: no columns {missing}, there are {list(map(str, table.columns))}"
        )
    frame = pd.DataFrame({
        "taxi": pd.factorize(table[taxi], sort=True)[0],
        "time": instants_of(table[time], zone, "fixes"),
        "lat": degrees_of(table[lat], "fixes", 90), "lon": degrees_of(table[lon], "fixes", 180),
        "occupied": table[occupied].astype(float) > 0 if occupied else False,
    })  # fmt: skip
    placed = frame[["lat", "lon"]].notna().all(axis=1)
    dated = frame["time"].notna()
    kept = frame[placed & dated].sort_values(["taxi", "time"], kind="stable")
    double = kept.duplicated(["taxi", "time"])
    dropped = Dropped(len(frame), int((~placed).sum()), int((placed & ~dated).sum()),
                      int(double.sum()))  # fmt: skip
    kept = kept[~double]
    print(f"fixes: {len(kept):,} of {dropped.rows:,} rows kept; left out: {dropped.nowhere:,} "
          f"nowhere, {dropped.undated:,} undated, {dropped.double:,} double")  # fmt: skip
    return [
        kept["taxi"].to_numpy(np.int32), kept["time"].to_numpy(np.int64),
        degrees_e5(kept["lat"]), degrees_e5(kept["lon"]), kept["occupied"].to_numpy(bool),
    ], dropped  # fmt: skip
