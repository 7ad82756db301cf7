"""Speed cities: loop detectors of three Californian freeways' districts, segments of Aarhus.

Each reader takes the data folder and returns a graph city without its card (the catalogue adds
name, licence and content hash). Compact files are read where they are, raw files elsewhere.
Files are joined by sensor id, whatever the order in each; a sensor that one lacks is an error.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.adjacency import corridor_distance, gaussian_kernel, segment_distance
from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import read_npz, read_table
from stflow_lib.data.readers.sensors import positions, require_series, sensor_ids
from stflow_lib.data.schema import as_time, graph_city

LA_START = "2012-03-01 00:00"
SIGMA_MILES = 1.0  # San Diego and I-680: about ten neighbours a sensor
AARHUS_SIGMA_M = 1500.0
PEMS_SHEET = ("5 Minutes", "Speed (mph)", "% Observed")
PEMS_STAMP = "%m/%d/%Y %H:%M"
PEMS_LAYOUT = (
    "Wanted: a sheet that PeMS exports for one sensor, with the header "
    f"{', '.join(PEMS_SHEET)}. The station text of its clearinghouse "
    "(dNN_text_station_5min_YYYY_MM_DD.txt: no header; stamp, station, district, ..., "
    "% observed, flow, occupancy, speed) is another layout"
)


def read_la(folder: Path):
    """Los Angeles loops, mph; the adjacency and coordinates are the source's own files."""
    base = folder / "speed" / "la"
    table = read_table(base / "los_speed.csv")
    node = sensor_ids(table.columns, base / "los_speed.csv")
    speed = exact(table.to_numpy(), np.float32, f"{base / 'los_speed.csv'}")
    locations = base / "graph_sensor_locations.csv"
    places = read_table(locations, ["sensor_id", "latitude", "longitude"])
    at = places.iloc[positions(places["sensor_id"], node, locations)]
    adjacency = _square(
        read_table(base / "los_adj.csv", header=None), node, base / "los_adj.csv"
    )
    time = pd.date_range(LA_START, periods=len(table), freq="5min")
    return graph_city(speed, time, adjacency, at["latitude"], at["longitude"], node)


def _square(table: pd.DataFrame, node: np.ndarray, path: Path) -> np.ndarray:
    """Numbers [N, N] of a table without names; DataError when these are not N sensors."""
    if table.shape != (len(node), len(node)):
        raise DataError(f"{path}: {table.shape} numbers for {len(node)} sensors")
    return exact(table.to_numpy(), np.float32, f"{path}")


def read_san_diego(folder: Path):
    """San Diego loops, mph; 48 % observed, the rest filled in by PeMS (`observed_pct`)."""
    base = folder / "speed" / "san-diego"
    if (base / "speed.npz").exists():
        path = base / "speed.npz"
        speed = read_npz(path, ["speed_mph", "observed_pct", "time", "sensor"])
        require_series(speed, ["speed_mph", "observed_pct"], path)
        sensors = _sensors_of(speed, base / "sensors.csv", ["lat", "lon"])
        path = base / "distance.npz"
        data = read_npz(path, ["matrix", "sensor"])
        matrix, rows, columns = data["matrix"], data["sensor"], data["sensor"]
    else:
        sensors = read_table(base / "raw" / "vds_info.csv", ["vds_id", "Lat", "Lng"]).rename(
            columns={"vds_id": "sensor", "Lat": "lat", "Lng": "lon"}
        )
        speed = read_pems_sensors(base / "raw", sensors["sensor"])
        path = base / "raw" / "sensor_dist.csv"
        table = read_table(path)
        matrix, rows, columns = (
            table.iloc[:, 1:].to_numpy(),
            table.iloc[:, 0],
            table.columns[1:],
        )
    if matrix.shape != (len(rows), len(columns)):
        raise DataError(f"{path}: distances {matrix.shape} for {len(rows)} sensors")
    order = (positions(names, speed["sensor"], path) for names in (rows, columns))
    return _pems_city(speed, sensors, gaussian_kernel(matrix[np.ix_(*order)], SIGMA_MILES))


def _sensors_of(speed: dict, path: Path, columns: list[str]) -> pd.DataFrame:
    """The table of sensors in the order of the speeds."""
    table = read_table(path, ["sensor", *columns])
    at = positions(table["sensor"], speed["sensor"], path)
    return table.iloc[at].reset_index(drop=True)


def read_pems_sensors(folder: Path, sensors) -> dict[str, np.ndarray]:
    """PeMS's weekly sheets, one sensor each: `<sensor>_<road>_W<week>.csv`, joined in time.

    -> speed_mph [T, N] and observed_pct [T, N], time [T], sensor [N].
    """
    series = []
    for sensor in (sensors := sensor_ids(sensors, folder)):
        weeks = sorted(folder.glob(f"{sensor}_*.csv"))
        if not weeks:
            raise DataError(f"{folder}: no sheet of sensor {sensor}")
        series.append(pd.concat(read_pems_sheet(path) for path in weeks).sort_index())
    time = series[0].index
    for sensor, one in zip(sensors, series, strict=True):
        if not one.index.equals(time):
            raise DataError(f"{folder}: sensor {sensor} has other time stamps than the first")
    speed, observed = (np.stack([one[c].to_numpy() for one in series], 1) for c in series[0])
    return {
        "speed_mph": exact(speed, np.float32, f"{folder}: speed"),
        "observed_pct": exact(observed, np.uint8, f"{folder}: % observed"),
        "time": time.to_numpy(),
        "sensor": sensors,
    }


def read_pems_sheet(path: Path) -> pd.DataFrame:
    """One weekly sheet: speed (mph) and share observed (%) by time stamp."""
    table = read_table(path, encoding="utf-8-sig")
    missing = [column for column in PEMS_SHEET if column not in table]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing. {PEMS_LAYOUT}")
    return table.set_index(_stamps(table[PEMS_SHEET[0]], path, PEMS_STAMP))[[*PEMS_SHEET[1:]]]


def _stamps(texts: pd.Series, path: Path, form: str | None = None) -> pd.DatetimeIndex:
    """Local time stamps of a column; DataError with the file and the first that is none."""
    try:
        return pd.DatetimeIndex(as_time(pd.to_datetime(texts, format=form)))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error


def read_bay_i680(folder: Path):
    """I-680 northbound, mph and vehicles; the graph is distance along the corridor.

    speed.npz holds speed_mph, observed_pct, flow_veh [T, N], time [T] and sensor [N]; sensors.csv
    sensor, abs_postmile, lat, lon. A place that is missing is interpolated by postmile, and
    counted in the attribute `interpolated_places`.
    """
    base = folder / "speed" / "bay-i680"
    series = ["speed_mph", "observed_pct", "flow_veh"]
    speed = read_npz(base / "speed.npz", [*series, "time", "sensor"])
    require_series(speed, series, base / "speed.npz")
    sensors = _sensors_of(speed, base / "sensors.csv", ["abs_postmile", "lat", "lon"])
    mile, gaps = sensors["abs_postmile"], sensors[["lat", "lon"]].isna().any(axis=1)
    for axis in ("lat", "lon"):
        known = sensors[sensors[axis].notna()].sort_values("abs_postmile", kind="stable")
        if known.empty:
            raise DataError(f"{base / 'sensors.csv'}: no sensor has a {axis}")
        sensors[axis] = np.interp(mile, known["abs_postmile"], known[axis])
    ds = _pems_city(speed, sensors, gaussian_kernel(corridor_distance(mile), SIGMA_MILES))
    ds["vehicles"] = ("time", "node"), speed["flow_veh"]
    ds = ds.assign_attrs(interpolated_places=int(gaps.sum()))
    return ds.assign_coords(postmile=("node", mile.to_numpy()))


def _pems_city(speed: dict, sensors: pd.DataFrame, adjacency):
    ds = graph_city(
        speed["speed_mph"], speed["time"], adjacency, sensors["lat"], sensors["lon"],
        sensors["sensor"],
    )  # fmt: skip
    observed = exact(speed["observed_pct"], np.uint8, "observed_pct")
    if (observed > 100).any():
        raise DataError(f"observed_pct is {observed.max()}: rule 'a percentage' broken")
    ds["observed"] = ("time", "node"), observed
    return ds


def read_aarhus(folder: Path):
    """Aarhus road segments, km/h; a zero with no vehicle counted is missing, not a jam.

    The source's stamps are UTC (the rush hours shift by an hour on 30 March): one hour is
    added, which gives Danish standard time all through.
    """
    base = folder / "speed" / "aarhus"
    if (base / "speed.npz").exists():
        data = read_npz(base / "speed.npz", ["speed_kmh", "vehicle_count", "time", "sensor"])
        require_series(data, ["speed_kmh", "vehicle_count"], base / "speed.npz")
        segments = _sensors_of(data, base / "segments.csv", [*CITYPULSE.values()][1:])
        attrs = {}
    else:
        segments = read_citypulse_segments(base / "raw" / "traffic_metadata.csv")
        data = read_citypulse(base / "raw", segments["sensor"])
        attrs = {"doubled_stamps": data["doubled"]}
    ends = (segments[c] for c in ("from_id", "to_id", "length_m"))
    middle = {a: (segments[f"from_{a}"] + segments[f"to_{a}"]) / 2 for a in ("lat", "lon")}
    return graph_city(
        data["speed_kmh"],
        as_time(data["time"]) + np.timedelta64(60, "m"),
        gaussian_kernel(segment_distance(*ends), AARHUS_SIGMA_M),
        middle["lat"], middle["lon"], segments["sensor"],
        zeros_as_missing=data["vehicle_count"] == 0,
        zero_means="speed 0 with vehicle_count 0 is read as missing", **attrs,
    )  # fmt: skip


CITYPULSE = {  # columns of the raw table of segments -> of the compact one
    "REPORT_ID": "sensor", "POINT_1_NAME": "from_id", "POINT_2_NAME": "to_id",
    "POINT_1_LAT": "from_lat", "POINT_1_LNG": "from_lon", "POINT_2_LAT": "to_lat",
    "POINT_2_LNG": "to_lon", "DISTANCE_IN_METERS": "length_m",
}  # fmt: skip


def read_citypulse_segments(path: Path) -> pd.DataFrame:
    """The segment table of CityPulse, under the column names of the compact file."""
    table = read_table(path, list(CITYPULSE)).rename(columns=CITYPULSE)
    return table.sort_values("sensor", ignore_index=True)[list(CITYPULSE.values())]


def read_citypulse(folder: Path, sensors, step="5min") -> dict:
    """CityPulse's `trafficData<segment>.csv` files on one regular clock, gaps NaN.

    A repeated time stamp keeps its first row; `doubled` counts the others.
    -> speed_kmh, vehicle_count [T, N], time [T], sensor [N].
    """
    paths = {int(s): folder / f"trafficData{s}.csv" for s in sensor_ids(sensors, folder)}
    tables = {sensor: read_citypulse_sheet(path) for sensor, path in paths.items()}
    first = {sensor: t[~t.index.duplicated()] for sensor, t in tables.items()}
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


def read_citypulse_sheet(path: Path) -> pd.DataFrame:
    """Speed (km/h) and vehicle count of one segment by time stamp, sorted, doubles in place."""
    table = read_table(path, ["TIMESTAMP", "avgSpeed", "vehicleCount"])
    return table.set_index(_stamps(table["TIMESTAMP"], path)).sort_index(kind="stable")
