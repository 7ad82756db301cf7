"""Speed cities: loop detectors of three districts of Californian freeways.

Each reader takes the data folder and returns a graph city without its card (the catalogue adds
name, licence and content hash). Compact files are read where they are, raw files elsewhere.
Files are joined by sensor id, whatever the order in each; a sensor that one lacks is an error.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.adjacency import (
    corridor_distance,
    demand_weights,
    gaussian_kernel,
    haversine,
)
from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import demand_numbers
from stflow_lib.data.files.open import named
from stflow_lib.data.files.read import read_npz, read_table, real_numbers
from stflow_lib.data.readers.edges import from_edges as from_edges
from stflow_lib.data.readers.sensors import (
    positions,
    read_series,
    sensor_ids,
    sensors_table,
    stamps,
)
from stflow_lib.data.schema import graph_city

LA_START = "2012-03-01 00:00"
SIGMA_MILES = 1.0  # San Diego and I-680: about ten neighbours a sensor
KM_PER_MILE = 1.609344
MOST_VEHICLES = 3000  # in five minutes: 15 lanes at 2,400 vehicles an hour
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
    table = read_table(base / "los_speed.csv", numbers=True)
    node = sensor_ids(table.columns, base / "los_speed.csv")
    speed = exact(table.to_numpy(), np.float32, f"{base / 'los_speed.csv'}")
    locations = base / "graph_sensor_locations.csv"
    places = read_table(locations, ["sensor_id"], ["latitude", "longitude"])
    at = places.iloc[positions(places["sensor_id"], node, locations)]
    adjacency = _weights(base / "los_adj.csv", len(node))
    time = pd.date_range(LA_START, periods=len(table), freq="5min")
    return graph_city(speed, time, adjacency, at["latitude"], at["longitude"], node)


def _weights(path: Path, sensors: int) -> np.ndarray:
    """The symmetric weights [N, N] of a table without names."""
    table = read_table(path, numbers=True, header=None)
    if table.shape != (sensors, sensors):
        raise DataError(f"{path}: {table.shape} numbers for {sensors} sensors")
    weights = demand_weights(exact(table.to_numpy(), np.float32, f"{path}"), path)
    odd = np.argwhere(weights != weights.T)
    if len(odd):
        raise DataError(f"{path}: line {odd[0, 0] + 1}, column {odd[0, 1] + 1}: another weight "
                        "than of the same two sensors turned")  # fmt: skip
    return weights


def read_san_diego(folder: Path):
    """San Diego loops, mph; 48 % observed, the rest filled in by PeMS (`observed_pct`)."""
    base = folder / "speed" / "san-diego"
    if (base / "speed.npz").exists():
        path = base / "speed.npz"
        speed = read_series(path, {"speed_mph": np.float32, "observed_pct": np.uint8})
        sensors = sensors_table(speed, base / "sensors.csv", ["sensor", "lat", "lon"])
        weights = _near(base / "distance.npz", sensors)
    else:
        path = base / "raw"
        ids = sensor_ids(
            read_table(path / "sensor_dist.csv").columns[1:], path / "sensor_dist.csv"
        )
        speed = read_pems_sensors(path, ids)
        names = {"vds_id": "sensor", "Lat": "lat", "Lng": "lon"}
        sensors = sensors_table(speed, path / "vds_info.csv", names)
        weights = _near(path / "sensor_dist.csv", sensors)
    return _pems_city(speed, sensors, weights, path)


def _near(path: Path, sensors: pd.DataFrame) -> np.ndarray:
    """Weights [N, N] of the sensors, from their distances in miles.

    DataError unless these are, to 1 %, the distances between the sensors' places.
    """
    miles = _distances(path, sensors["sensor"].to_numpy())
    air = haversine(sensors["lat"], sensors["lon"]) / KM_PER_MILE
    wrong = np.argwhere(~(np.abs(miles - air) <= 0.01 + 0.01 * air))
    if len(wrong):
        one, other = wrong[0]
        raise DataError(f"{path}: {miles[one, other]:g} miles from sensor "
                        f"{sensors['sensor'][one]} to {sensors['sensor'][other]}, whose places "
                        f"lie {air[one, other]:.3f} apart")  # fmt: skip
    with named(path):
        return gaussian_kernel(miles, SIGMA_MILES)


def _distances(path: Path, sensors: np.ndarray) -> np.ndarray:
    """The matrix [N, N] of a table or an npz file, whose rows and columns bear ids."""
    if path.suffix == ".npz":
        data = read_npz(path, ["matrix", "sensor"])
        matrix = real_numbers(data["matrix"], (2,), f"{path}: matrix")
        rows = columns = real_numbers(data["sensor"], (1,), f"{path}: sensor")
    else:
        table = read_table(path, numbers=True)
        matrix, rows, columns = (
            table.iloc[:, 1:].to_numpy(),
            table.iloc[:, 0],
            table.columns[1:],
        )
    if matrix.shape != (len(rows), len(columns)):
        raise DataError(f"{path}: distances {matrix.shape} for {len(rows)} sensors")
    order = (positions(ids, sensors, path) for ids in (rows, columns))
    return matrix[np.ix_(*order)]


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
        "speed_mph": speed,
        "observed_pct": observed,
        "time": time.to_numpy(),
        "sensor": sensors,
    }


def read_pems_sheet(path: Path) -> pd.DataFrame:
    """One weekly sheet: speed (mph) and share observed (%) by time stamp."""
    table = read_table(path, encoding="utf-8-sig")
    missing = [column for column in PEMS_SHEET if column not in table]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing. {PEMS_LAYOUT}")
    demand_numbers(table, PEMS_SHEET[1:], path, "row {}".format)
    time = stamps(table[PEMS_SHEET[0]], path, PEMS_STAMP)
    types = zip(PEMS_SHEET[1:], (np.float32, np.uint8), strict=True)
    columns = {name: exact(table[name], dtype, f"{path}: {name}") for name, dtype in types}
    return pd.DataFrame(columns, index=time)


def read_bay_i680(folder: Path):
    """I-680 northbound, mph and vehicles; the graph is distance along the corridor.

    speed.npz holds speed_mph, observed_pct, flow_veh [T, N], time [T] and sensor [N]; sensors.csv
    sensor, abs_postmile, lat, lon. A place that is missing is interpolated by postmile, and
    counted in the attribute `interpolated_places`.
    """
    base = folder / "speed" / "bay-i680"
    path, table = base / "speed.npz", base / "sensors.csv"
    types = {"speed_mph": np.float32, "observed_pct": np.uint8, "flow_veh": np.float32}
    speed = read_series(path, types)
    sensors = sensors_table(speed, table, ["sensor", "abs_postmile", "lat", "lon"])
    mile, gaps = sensors["abs_postmile"], sensors[["lat", "lon"]].isna().any(axis=1)
    for axis in ("lat", "lon"):
        known = sensors[sensors[axis].notna()].sort_values("abs_postmile", kind="stable")
        if known.empty:
            raise DataError(f"{table}: no sensor has a {axis}")
        sensors[axis] = np.interp(mile, known["abs_postmile"], known[axis])
    with named(table):
        weights = gaussian_kernel(corridor_distance(mile), SIGMA_MILES)
    vehicles = _vehicles(speed["flow_veh"], path)
    ds = _pems_city(speed, sensors, weights, path)
    ds["vehicles"] = ("time", "node"), vehicles
    ds = ds.assign_attrs(interpolated_places=int(gaps.sum()),
                         missing_vehicles=int(np.isnan(vehicles).sum()))  # fmt: skip
    return ds.assign_coords(postmile=("node", mile.to_numpy()))


def _vehicles(flow: np.ndarray, path: Path) -> np.ndarray:
    """Counts [T, N], NaN where missing; DataError for what is no count, or zero everywhere."""
    given = ~np.isnan(flow)
    wrong = np.argwhere(given & ~((flow >= 0) & (flow <= MOST_VEHICLES) & (flow % 1 == 0)))
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise DataError(f"{path}: flow_veh: {flow[at]:g} at index {at}: rule 'whole vehicles, "
                        f"0 to {MOST_VEHICLES} in five minutes' broken")  # fmt: skip
    if not (flow[given] > 0).any():
        raise DataError(f"{path}: flow_veh is missing or zero everywhere")
    return flow


def _pems_city(speed: dict, sensors: pd.DataFrame, adjacency: np.ndarray, path: Path):
    observed = speed["observed_pct"]
    if observed.max() > 100:
        raise DataError(f"{path}: observed_pct is {observed.max()}: rule 'a percentage' broken")
    if not observed.any():
        raise DataError(f"{path}: observed_pct is zero everywhere: nothing was measured")
    ds = graph_city(
        speed["speed_mph"], speed["time"], adjacency, sensors["lat"], sensors["lon"],
        sensors["sensor"],
    )  # fmt: skip
    ds["observed"] = ("time", "node"), observed
    return ds
