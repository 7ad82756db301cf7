"""Speed cities: loop detectors of three Californian freeways' districts, segments of Aarhus.

Each reader takes the data folder and returns a graph city without its card (the catalogue adds
name, licence and content hash). Compact files are read where they are, raw files elsewhere.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.adjacency import corridor_distance, gaussian_kernel, segment_distance
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import need_file, read_npz, read_table
from stflow_lib.data.schema import graph_city

LA_START = "2012-03-01 00:00"
SIGMA_MILES = 1.0  # San Diego and I-680: about ten neighbours a sensor
AARHUS_SIGMA_M = 1500.0


def read_la(folder: Path):
    """Los Angeles loops, mph; the adjacency and coordinates are the source's own files."""
    base = folder / "speed" / "la"
    table = read_table(base / "los_speed.csv")
    places = read_table(
        base / "graph_sensor_locations.csv", ["sensor_id", "latitude", "longitude"]
    ).set_index("sensor_id")
    node = table.columns.astype(int)
    unknown = node.difference(places.index)
    if len(unknown):
        raise DataError(f"{base / 'los_speed.csv'}: sensor {unknown[0]} has no coordinates")
    adjacency = read_table(base / "los_adj.csv", header=None).to_numpy(np.float32)
    time = pd.date_range(LA_START, periods=len(table), freq="5min")
    at = places.loc[node]
    return graph_city(table.to_numpy(), time, adjacency, at["latitude"], at["longitude"], node)


def read_san_diego(folder: Path):
    """San Diego loops, mph; 48 % observed, the rest filled in by PeMS (`observed_pct`)."""
    base = folder / "speed" / "san-diego"
    if (base / "speed.npz").exists():
        speed = read_npz(base / "speed.npz", ["speed_mph", "observed_pct", "time", "sensor"])
        sensors = read_table(base / "sensors.csv", ["sensor", "lat", "lon"])
        distance = read_npz(base / "distance.npz", ["matrix"])["matrix"]
    else:
        sensors = read_table(base / "raw" / "vds_info.csv", ["vds_id", "Lat", "Lng"]).rename(
            columns={"vds_id": "sensor", "Lat": "lat", "Lng": "lon"}
        )
        speed = read_pems_sensors(base / "raw", sensors["sensor"])
        distance = read_table(base / "raw" / "sensor_dist.csv").iloc[:, 1:].to_numpy()
    adjacency = gaussian_kernel(distance, SIGMA_MILES)
    return _pems_city(speed, sensors, adjacency)


def read_pems_sensors(folder: Path, sensors) -> dict[str, np.ndarray]:
    """PeMS's weekly sheets, one sensor each: `<sensor>_<road>_W<week>.csv`, joined in time.

    -> speed_mph [T, N] and observed_pct [T, N], time [T], sensor [N].
    """
    series = []
    for sensor in sensors:
        weeks = sorted(folder.glob(f"{sensor}_*.csv"))
        if not weeks:
            raise DataError(f"{folder}: no sheet of sensor {sensor}")
        series.append(pd.concat(read_pems_sheet(path) for path in weeks))
    time = series[0].index
    for sensor, one in zip(sensors, series, strict=True):
        if not one.index.equals(time):
            raise DataError(f"{folder}: sensor {sensor} has other time stamps than the first")
    speed, observed = (np.stack([one[c].to_numpy() for one in series], 1) for c in series[0])
    return {
        "speed_mph": speed.astype(np.float32),
        "observed_pct": observed.astype(np.uint8),
        "time": time.to_numpy(),
        "sensor": np.asarray(sensors),
    }


def read_pems_sheet(path: Path) -> pd.DataFrame:
    """One weekly sheet: speed (mph) and share observed (%) by time stamp."""
    columns = ["5 Minutes", "Speed (mph)", "% Observed"]
    table = read_table(path, columns, encoding="utf-8-sig").set_index("5 Minutes")[columns[1:]]
    table.index = pd.to_datetime(table.index, format="%m/%d/%Y %H:%M")
    return table


def read_bay_i680(folder: Path):
    """I-680 northbound, mph and vehicles; the graph is distance along the corridor."""
    base = folder / "speed" / "bay-i680"
    speed = read_npz(base / "speed.npz", ["speed_mph", "observed_pct", "time", "flow_veh"])
    sensors = read_table(base / "sensors.csv", ["sensor", "abs_postmile", "lat", "lon"])
    mile = sensors["abs_postmile"]
    for axis in ("lat", "lon"):
        known = sensors[axis].notna()
        sensors[axis] = np.interp(mile, mile[known], sensors[axis][known])
    ds = _pems_city(speed, sensors, gaussian_kernel(corridor_distance(mile), SIGMA_MILES))
    ds["vehicles"] = ("time", "node"), speed["flow_veh"]
    return ds.assign_coords(postmile=("node", mile.to_numpy()))


def _pems_city(speed: dict, sensors: pd.DataFrame, adjacency):
    ds = graph_city(
        speed["speed_mph"], speed["time"], adjacency, sensors["lat"], sensors["lon"],
        sensors["sensor"],
    )  # fmt: skip
    ds["observed"] = ("time", "node"), np.asarray(speed["observed_pct"], np.uint8)
    return ds


def read_aarhus(folder: Path):
    """Aarhus road segments, km/h; a zero with no vehicle counted is missing, not a jam.

    The source's stamps are UTC (the rush hours shift by an hour on 30 March): one hour is
    added, which gives Danish standard time all through.
    """
    base = folder / "speed" / "aarhus"
    if (base / "speed.npz").exists():
        data = read_npz(base / "speed.npz", ["speed_kmh", "vehicle_count", "time", "sensor"])
        segments = read_table(base / "segments.csv", ["sensor", "from_id", "length_m"])
    else:
        segments = read_citypulse_segments(base / "raw" / "traffic_metadata.csv")
        data = read_citypulse(base / "raw", segments["sensor"])
    empty = (data["speed_kmh"] == 0) & (data["vehicle_count"] == 0)
    ends = (segments[c] for c in ("from_id", "to_id", "length_m"))
    middle = {a: (segments[f"from_{a}"] + segments[f"to_{a}"]) / 2 for a in ("lat", "lon")}
    return graph_city(
        np.where(empty, np.nan, data["speed_kmh"]),
        data["time"] + np.timedelta64(60, "m"),
        gaussian_kernel(segment_distance(*ends), AARHUS_SIGMA_M),
        middle["lat"], middle["lon"], segments["sensor"],
        zero_means="speed 0 with vehicle_count 0 is read as missing",
    )  # fmt: skip


def read_citypulse_segments(path: Path) -> pd.DataFrame:
    """The segment table of CityPulse, under the column names of the compact file."""
    names = {
        "REPORT_ID": "sensor", "POINT_1_NAME": "from_id", "POINT_2_NAME": "to_id",
        "POINT_1_LAT": "from_lat", "POINT_1_LNG": "from_lon", "POINT_2_LAT": "to_lat",
        "POINT_2_LNG": "to_lon", "DISTANCE_IN_METERS": "length_m",
    }  # fmt: skip
    table = read_table(path, list(names)).rename(columns=names)
    return table.sort_values("sensor", ignore_index=True)[list(names.values())]


def read_citypulse(folder: Path, sensors, step="5min") -> dict[str, np.ndarray]:
    """CityPulse's `trafficData<segment>.csv` files on one regular clock, gaps NaN.

    A repeated time stamp keeps its first row. -> speed_kmh, vehicle_count [T, N], time [T].
    """
    tables = [read_citypulse_sheet(folder / f"trafficData{sensor}.csv") for sensor in sensors]
    first, last = (min(t.index[0] for t in tables), max(t.index[-1] for t in tables))
    time = pd.date_range(first, last, freq=step)
    for sensor, table in zip(sensors, tables, strict=True):
        strange = table.index.difference(time)
        if len(strange):
            raise DataError(f"trafficData{sensor}.csv: irregular time stamp {strange[0]}")

    def column(name):
        return np.stack([t[name].reindex(time).to_numpy(np.float32) for t in tables], 1)

    return {
        "speed_kmh": column("avgSpeed"),
        "vehicle_count": column("vehicleCount"),
        "time": time.to_numpy(),
        "sensor": np.asarray(sensors),
    }


def read_citypulse_sheet(path: Path) -> pd.DataFrame:
    """Speed (km/h) and vehicle count of one segment by time stamp, sorted, first of doubles."""
    need_file(path)
    table = read_table(path, ["TIMESTAMP", "avgSpeed", "vehicleCount"])
    table.index = pd.to_datetime(table["TIMESTAMP"])
    return table[~table.index.duplicated()].sort_index()
