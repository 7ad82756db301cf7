"""Aarhus: travel speeds on road segments, from CityPulse's sheets or compact arrays."""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.adjacency import gaussian_kernel, segment_distance
from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import named
from stflow_lib.data.files.read import read_table
from stflow_lib.data.readers.sensors import read_series, sensor_ids, sensors_table, stamps
from stflow_lib.data.schema import as_time, graph_city
from stflow_lib.data.time_axis import MONTH, stray_day

SIGMA_M = 1500.0


def read_aarhus(folder: Path):
    """Aarhus road segments, km/h; a zero with no vehicle counted is missing, not a jam.

    The source's stamps are UTC (the rush hours shift by an hour on 30 March): one hour is
    added, which gives Danish standard time all through.
    """
    base = folder / "speed" / "aarhus"
    if (base / "speed.npz").exists():
        types = {"speed_kmh": np.float32, "vehicle_count": np.float32}
        data, path = read_series(base / "speed.npz", types), base / "segments.csv"
        segments = sensors_table(data, path, [*CITYPULSE.values()])
        attrs = {}
    else:
        path = base / "raw" / "traffic_metadata.csv"
        segments = read_citypulse_segments(path)
        data = read_citypulse(base / "raw", segments["sensor"])
        attrs = {"doubled_stamps": data["doubled"]}
    middle = {a: (segments[f"from_{a}"] + segments[f"to_{a}"]) / 2 for a in ("lat", "lon")}
    return graph_city(
        data["speed_kmh"],
        as_time(data["time"]) + np.timedelta64(60, "m"),
        _followers(segments, path),
        middle["lat"], middle["lon"], segments["sensor"],
        zeros_as_missing=data["vehicle_count"] == 0,
        zero_means="speed 0 with vehicle_count 0 is read as missing", **attrs,
    )  # fmt: skip


def _followers(segments: pd.DataFrame, path: Path) -> np.ndarray:
    """Weights [N, N] of segments that follow each other, by their lengths."""
    ends = [exact(segments[c], np.int64, f"{path}: {c}") for c in ("from_id", "to_id")]
    short = segments[~(segments["length_m"] > 0)]
    if len(short):
        raise DataError(f"{path}: segment {short['sensor'].iloc[0]} is "
                        f"{short['length_m'].iloc[0]} m long: rule 'above 0' broken")  # fmt: skip
    with named(path):
        distance = segment_distance(*ends, segments["length_m"])
        return gaussian_kernel(distance, SIGMA_M)


CITYPULSE = {  # columns of the raw table of segments -> of the compact one
    "REPORT_ID": "sensor", "POINT_1_NAME": "from_id", "POINT_2_NAME": "to_id",
    "POINT_1_LAT": "from_lat", "POINT_1_LNG": "from_lon", "POINT_2_LAT": "to_lat",
    "POINT_2_LNG": "to_lon", "DISTANCE_IN_METERS": "length_m",
}  # fmt: skip


def read_citypulse_segments(path: Path) -> pd.DataFrame:
    """The segment table of CityPulse, under the column names of the compact file."""
    table = read_table(path, numbers=list(CITYPULSE)).rename(columns=CITYPULSE)
    table["sensor"] = sensor_ids(table["sensor"], path)
    return table.sort_values("sensor", ignore_index=True)[list(CITYPULSE.values())]


def read_citypulse(folder: Path, sensors, step="5min") -> dict:
    """CityPulse's `trafficData<segment>.csv` files on one regular clock, gaps NaN.

    A repeated time stamp keeps its first row; `doubled` counts the others.
    -> speed_kmh, vehicle_count [T, N], time [T], sensor [N].
    """
    paths = {int(s): folder / f"trafficData{s}.csv" for s in sensor_ids(sensors, folder)}
    tables = {sensor: read_citypulse_sheet(path) for sensor, path in paths.items()}
    first = {sensor: t[~t.index.duplicated()] for sensor, t in tables.items()}
    _demand_one_span([*first.values()], [*paths.values()])
    time = pd.date_range(
        min(t.index[0] for t in first.values()), max(t.index[-1] for t in first.values()),
        freq=step,
    )  # fmt: skip
    for sensor, table in first.items():
        strange = table.index.difference(time)
        if len(strange):
            raise DataError(f"{paths[sensor]}: irregular time stamp {strange[0]}")

    def column(name):
        given = (t[name].reindex(time).to_numpy() for t in first.values())
        named = zip(paths.values(), given, strict=True)
        return np.stack([exact(one, np.float32, f"{path}: {name}") for path, one in named], 1)

    return {
        "speed_kmh": column("avgSpeed"),
        "vehicle_count": column("vehicleCount"),
        "time": time.to_numpy(),
        "sensor": np.array([*paths]),
        "doubled": sum(map(len, tables.values())) - sum(map(len, first.values())),
    }


def _demand_one_span(tables: list[pd.DataFrame], paths: list[Path]) -> None:
    """DataError for the first stamp that is far from most, before any clock is made of them."""
    time = np.concatenate([table.index.to_numpy() for table in tables])
    if (at := stray_day(time.astype("datetime64[D]").astype(np.int64))) is not None:
        ends = np.cumsum([len(table) for table in tables])
        path = paths[int(np.searchsorted(ends, at, "right"))]
        raise DataError(f"{path}: a stray time stamp, more than {MONTH} days from most others: "
                        f"{pd.Timestamp(time[at])}")  # fmt: skip


def read_citypulse_sheet(path: Path) -> pd.DataFrame:
    """Speed (km/h) and vehicle count of one segment by time stamp, sorted, doubles in place."""
    table = read_table(path, ["TIMESTAMP"], ["avgSpeed", "vehicleCount"])
    return table.set_index(stamps(table["TIMESTAMP"], path)).sort_index(kind="stable")
