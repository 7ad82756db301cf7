"""A small valid input in every format that the package reads, and the way to read it.

The writers of `tests/data/readers` are used where they exist; the names in `Format.files` are
those that are mutated one at a time.
"""

import importlib.util
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pandas as pd
import xarray as xr
from mutations import text

from stflow_lib.data.adjacency import haversine
from stflow_lib.data.catalog import index
from stflow_lib.data.rasterize import gps
from stflow_lib.data.readers import bikes, taxi
from stflow_lib.data.readers.graphs import KM_PER_MILE
from stflow_lib.data.schema import Box

READERS = Path(__file__).resolve().parents[1] / "readers"
SENSORS = (11, 12, 15, 14)


@dataclass(frozen=True)
class Format:
    """One format: its name, its writer, its reader, and the files that are mutated."""

    name: str
    write: Callable[[Path], object]
    read: Callable[[Path], xr.Dataset]
    files: tuple[str, ...]
    only: list | None = None  # changes of tables of text, where not all of them


def writers(name: str):
    """A test module of the readers, for its functions that write small inputs."""
    spec = importlib.util.spec_from_file_location(f"written_by_{name}", READERS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GRAPHS, AARHUS, GRIDS, PAPERS, TAXI = map(
    writers, ("test_graphs", "test_aarhus", "test_grids", "test_papers", "test_taxi")
)


def city(name: str, **smaller) -> Callable[[Path], xr.Dataset]:
    """`load(name)` from files that no manifest knows; the first reading states the shape."""
    entry = index.entries()[name]
    entry = replace(entry, read=partial(entry.read, **smaller))
    stated = [" x ".join("any" for _ in entry.shape.split(" x "))]

    def read(folder: Path) -> xr.Dataset:
        os.environ |= {"STFLOW_DATA": str(folder), "STFLOW_CACHE": str(folder / "cache")}
        small = {name: replace(entry, shape=stated[-1])}
        with patch.multiple(index, entries=lambda: small, fetch=lambda name: []):
            found = index.load(name)
        if len(stated) == 1:
            stated.append(shape_in_words(entry.shape, found))
        return found

    return read


def shape_in_words(card: str, found: xr.Dataset) -> str:
    """The shape of a small city, as its card states that of the whole one."""
    shape = found["flow" if "flow" in found else "speed"].shape
    pairs = zip(card.split(" x "), shape, strict=True)
    return " x ".join(str(n) if part.isdigit() else part for part, n in pairs)


def places(lat: float, lon: float) -> list[tuple]:
    """(sensor, lat, lon) of every sensor, in a line to the north-east."""
    return [(s, round(lat + i * i / 150, 5), round(lon + i / 100, 5))
            for i, s in enumerate(SENSORS)]  # fmt: skip


def speeds(steps: int = 12, sensors: int = len(SENSORS)) -> np.ndarray:
    """Plausible mph, every value another one: [steps, sensors], one decimal."""
    return np.round(40 + np.random.default_rng(1).permutation(steps * sensors) / 10, 1).reshape(
        steps, sensors
    )


def sheet(path: Path, header: str, rows) -> None:
    """A CSV file from its header line and rows of values."""
    GRAPHS.write(path, *filter(None, [header]), *(",".join(map(str, row)) for row in rows))


def write_la(folder: Path) -> None:
    """T-GCN's table of speeds with its matrix, and DCRNN's table of places."""
    base = folder / "speed" / "la"
    sheet(base / "los_speed.csv", ",".join(map(str, SENSORS)), speeds())
    sheet(base / "los_adj.csv", "", np.round(weights() + weights().T, 3) / 2)
    rows = [(i, *place) for i, place in enumerate(places(34.1, -118.2))]
    sheet(base / "graph_sensor_locations.csv", "index,sensor_id,latitude,longitude", rows)


def weights() -> np.ndarray:
    """A matrix [N, N] of weights in 0..1 with unit diagonal, not symmetric."""
    matrix = np.random.default_rng(2).uniform(0.1, 0.9, (len(SENSORS),) * 2)
    np.fill_diagonal(matrix, 1)
    return matrix


def five_minutes(first: str, steps: int = 12) -> np.ndarray:
    """Regular time stamps [steps] in seconds."""
    return (np.datetime64(first, "s") + 300 * np.arange(steps)).astype("datetime64[s]")


def write_san_diego(folder: Path) -> None:
    """The compact form: speeds and shares observed, places, distances."""
    base = folder / "speed" / "san-diego"
    sheet(base / "sensors.csv", "sensor,lat,lon", places(32.8, -117.2))
    observed = np.arange(48, dtype=np.uint8).reshape(12, 4)
    np.savez(base / "speed.npz", speed_mph=speeds().astype("f4"), observed_pct=observed,
             time=five_minutes("2024-01-01"), sensor=np.array(SENSORS))  # fmt: skip
    np.savez(base / "distance.npz", matrix=miles(places(32.8, -117.2)), sensor=SENSORS)


def miles(rows) -> np.ndarray:
    """Distances [N, N] between places, rows of (sensor, lat, lon), in miles."""
    _, lat, lon = np.transpose(rows)
    return haversine(lat, lon) / KM_PER_MILE


def write_pems(folder: Path) -> None:
    """PeMS's weekly sheets of three sensors and two weeks, with their tables."""
    base, day = folder / "speed" / "san-diego" / "raw", speeds(24, 1)[:, 0]
    for sensor in (5, 3, 8):
        GRAPHS.pems_sheet(base, sensor, 1, 1, day + sensor)
        path = base / f"{sensor}_I8W_W1.csv"
        head, *rows = path.read_text(encoding="utf-8-sig").splitlines()
        mark = "\ufeff"
        GRAPHS.write(path, mark + head, *rows[:12])
        GRAPHS.write(base / f"{sensor}_I8W_W2.csv", mark + head, *rows[12:])
    rows = [
        (5, "I8", "E", 32.7, -117.1),
        (3, "I8", "W", 32.71, -117.12),
        (8, "I8", "W", 32.73, -117.13),
    ]
    sheet(base / "vds_info.csv", "vds_id,Freeway,Direction,Lat,Lng", rows)
    apart = miles([(sensor, lat, lon) for sensor, _, _, lat, lon in rows]).round(4)
    rows = [(sensor, *row) for sensor, row in zip((5, 3, 8), apart, strict=True)]
    sheet(base / "sensor_dist.csv", ",5,3,8", rows)


def write_bay(folder: Path) -> None:
    """I-680: speeds, shares and vehicles; postmiles, one sensor without a place."""
    base = folder / "speed" / "bay-i680"
    rows = [(s, 680, "N", i * 1.5, *(("", "") if i == 1 else (37.5 + i / 10, -121.8 - i / 10)))
            for i, s in enumerate(SENSORS)]  # fmt: skip
    sheet(base / "sensors.csv", "sensor,freeway,direction,abs_postmile,lat,lon", rows)
    ones = np.arange(48, dtype=np.float32).reshape(12, 4)
    np.savez(base / "speed.npz", speed_mph=speeds().astype("f4"), observed_pct=ones,
             time=five_minutes("2017-10-01"), flow_veh=ones + 3, sensor=SENSORS)  # fmt: skip


def write_aarhus(folder: Path) -> None:
    """The compact form: speeds and counts of four segments in a row."""
    base = folder / "speed" / "aarhus"
    head = "sensor,from_id,to_id,from_lat,from_lon,to_lat,to_lon,length_m"
    rows = [(s, i, i + 1, 56 + i / 20, 10.1, 56.05 + i / 20, 10.1, 900 + i)
            for i, s in enumerate(sorted(SENSORS))]  # fmt: skip
    sheet(base / "segments.csv", head, rows)
    count = np.arange(48, dtype=np.float32).reshape(12, 4)
    np.savez(base / "speed.npz", speed_kmh=speeds().astype("f4"), vehicle_count=count,
             time=five_minutes("2014-02-13T11:30"), sensor=np.array(sorted(SENSORS)))  # fmt: skip


def write_citypulse(folder: Path) -> None:
    """CityPulse's sheets of three segments, six steps each, and their table."""
    base = folder / "speed" / "aarhus" / "raw"
    for sensor in (11, 7, 20):
        rows = [(f"11:{30 + 5 * i}", sensor + i, i + 1) for i in range(6)]
        AARHUS.aarhus_sheet(base, sensor, *rows)
    head = "REPORT_ID,POINT_1_NAME,POINT_2_NAME,POINT_1_LAT,POINT_1_LNG,POINT_2_LAT,POINT_2_LNG"
    rows = [(11, 1, 2, 56.0, 10.0, 56.2, 10.2, 1000), (7, 2, 3, 56.2, 10.2, 56.4, 10.4, 500),
            (20, 8, 9, 56.3, 10.3, 56.3, 10.4, 700)]  # fmt: skip
    sheet(base / "traffic_metadata.csv", head + ",DISTANCE_IN_METERS", rows)


def write_p6_folder(folder: Path) -> None:
    """BikeNYC's three parts, unpacked."""
    GRIDS.write_p6(folder)
    archive = folder / "bikenyc-p6" / "P6.zip"
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(archive.parent)
    archive.unlink()


def write_jonas(folder: Path) -> None:
    """JONAS Washington: 2,400 hours of 9 x 12 cells, two modes and a mask."""
    (folder / "jonas").mkdir()
    counts = np.random.default_rng(3).poisson(0.5, (2400, 9, 12, 2)).astype(np.int16)
    np.savez_compressed(folder / "jonas" / "JONAS-DC-9x12-20151024-20160131.npz",
                        taxi=counts, bike=counts + 1, mask=[[3, 5], [0, 7]])  # fmt: skip


RIDES_2021 = "ride_id,started_at,ended_at,start_lat,start_lng,end_lat,end_lng"
RIDES_2019 = ("tripduration,starttime,stoptime,start station latitude,start station longitude,"
              "end station latitude,end station longitude,bikeid")  # fmt: skip


def rides(day: str, seed: int, box: Box) -> list[tuple]:
    """Eight rides of one day: start, end, and two places in the middle of the box."""
    rng, found = np.random.default_rng(seed), []
    south, north, west, east = box.attrs().values()
    for hour in range(8):
        part = rng.uniform(0.2, 0.8, 4)
        lats, lons = south + part[:2] * (north - south), west + part[2:] * (east - west)
        places = np.stack([lats, lons], 1).round(5).ravel()
        found.append(
            (f"{day} {hour + 1:02}:10:00", f"{day} {hour + 1:02}:32:{20 + hour}", *places)
        )
    return found


def write_bikes(folder: Path) -> None:
    """Two monthly zips of the layout in use since 2020, and the places of the city."""
    (folder / "bikes-2021").mkdir()
    for month, day in (("01", "2021-01-31"), ("02", "2021-02-01")):
        rows = [
            (f"R{month}{i}", *ride)
            for i, ride in enumerate(rides(day, int(month), bikes.CHICAGO))
        ]
        text = "\n".join([RIDES_2021, *(",".join(map(str, row)) for row in rows), ""])
        path = folder / "bikes-2021" / f"2021{month}-divvy-tripdata.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr(f"2021{month}-divvy-tripdata.csv", text)
    (folder / "poi").mkdir()
    kinds = ("bar", "school", "bench", "cafe", "hotel", "bank")
    at = np.arange(6)
    table = {"osm_id": at + 100, "fclass": kinds, "lat": 41.8 + at / 40, "lon": -87.7 + at / 60}
    pd.DataFrame(table).to_parquet(folder / "poi" / "chicago-2020.parquet")


def write_citibike(folder: Path) -> None:
    """Three plain tables in Citi Bike's layout before 2020, stamps with milliseconds."""
    for month, day in (("01", "2019-01-31"), ("02", "2019-02-01"), ("03", "2019-03-01")):
        rows = [(1340, f"{a}.5000", f"{b}.2500", *places, 77)
                for a, b, *places in rides(day, int(month), bikes.NYC)]  # fmt: skip
        sheet(folder / "bikenyc-2019" / f"2019{month}-citibike-tripdata.csv", RIDES_2019, rows)


def write_fixes(folder: Path) -> None:
    """The compact table of fixes, as its own tests write it."""
    (folder / "taxi-sf").mkdir()
    table = pd.DataFrame(TAXI.ROWS, columns=list(gps.COLUMNS))
    table["time"] += TAXI.MAY
    types = dict(zip(gps.COLUMNS, gps.DTYPES, strict=True))
    table.astype(types).to_parquet(folder / "taxi-sf" / "gps.parquet", index=False)


RAW = tuple(f"taxi-sf/raw/new_{letter}.txt" for letter in "ab")


def write_raw_fixes(folder: Path) -> None:
    """One text file for each taxi, latest fix first."""
    for number, path in enumerate(RAW):
        lines = [f"{lat / 1e5:.5f} {lon / 1e5:.5f} {int(busy)} {TAXI.MAY + time}"
                 for who, time, lat, lon, busy in TAXI.ROWS if who == number]  # fmt: skip
        GRAPHS.write(folder / path, *lines[::-1])


def read_raw_fixes() -> Callable[[Path], xr.Dataset]:
    """The same city from two raw files, all that its manifest lists here."""
    load, listed = city("taxi-sf-64"), tuple(SimpleNamespace(into=path) for path in RAW)

    def read(folder: Path) -> xr.Dataset:
        with patch.object(taxi, "manifest", lambda name: listed):
            return load(folder)

    return read


def write_taxibj(folder: Path) -> None:
    """TaxiBJ P1, unpacked, a few maps a part."""
    PAPERS.write_taxibj(folder / "taxibj" / "P1", (3, 1, 1))


def write_crosstres(folder: Path) -> None:
    """CrossTReS's arrays of one city and mode."""
    PAPERS.write_crosstres(folder)


def write_crosstres_zip(folder: Path) -> None:
    """The same in one zip."""
    base, *_ = PAPERS.write_crosstres(folder)
    PAPERS.zip_folder(base.parent)


def write_stgfsl(folder: Path) -> None:
    """ST-GFSL's dataset of two channels, and its matrix."""
    base = folder / "stgfsl" / "chengdu_m"
    PAPERS.save(base / "dataset.npy", np.stack([speeds(), speeds() * 0 + 0.5], -1))
    PAPERS.save(base / "matrix.npy", weights())


SPEED = "speed/{}/{}".format
FORMATS = [
    Format("la", write_la, city("la"), tuple(
        SPEED("la", n) for n in ("los_speed.csv", "los_adj.csv", "graph_sensor_locations.csv"))),
    Format("san-diego", write_san_diego, city("san-diego"), tuple(
        SPEED("san-diego", n) for n in ("speed.npz", "sensors.csv", "distance.npz"))),
    Format("pems", write_pems, city("san-diego"), tuple(
        SPEED("san-diego/raw", n) for n in ("3_I8W_W2.csv", "vds_info.csv", "sensor_dist.csv"))),
    Format("bay-i680", write_bay, city("bay-i680"), tuple(
        SPEED("bay-i680", n) for n in ("speed.npz", "sensors.csv"))),
    Format("aarhus", write_aarhus, city("aarhus"), tuple(
        SPEED("aarhus", n) for n in ("speed.npz", "segments.csv"))),
    Format("citypulse", write_citypulse, city("aarhus"), tuple(
        SPEED("aarhus/raw", n) for n in ("trafficData7.csv", "traffic_metadata.csv"))),
    Format("p6-folder", write_p6_folder, city("bikenyc-p6"),
           ("bikenyc-p6/P6/train/X.npy", "bikenyc-p6/P6/valid/Y.npy")),
    Format("p6-zip", lambda folder: GRIDS.write_p6(folder), city("bikenyc-p6"),
           ("bikenyc-p6/P6.zip",)),
    Format("jonas", write_jonas, city("jonas-dc-taxi"),
           ("jonas/JONAS-DC-9x12-20151024-20160131.npz",)),
    Format("bikes-2021", write_bikes, city("bikes-chicago-2021", cells=(7, 5)),
           ("bikes-2021/202102-divvy-tripdata.zip", "poi/chicago-2020.parquet")),
    Format("bikes-2019", write_citibike, city("bikenyc-2019"),
           ("bikenyc-2019/201902-citibike-tripdata.csv",), text.STAMPS),
    Format("taxi-sf", write_fixes, city("taxi-sf-64"), ("taxi-sf/gps.parquet",)),
    Format("taxi-sf-raw", write_raw_fixes, read_raw_fixes(), RAW[1:]),
    Format("taxibj", write_taxibj, city("taxibj-p1"),
           ("taxibj/P1/train/Y.npy", "taxibj/P1/valid/ext.npy")),
    Format("crosstres", write_crosstres, city("crosstres-dc-bike"), tuple(
        f"crosstres/crosstres_data/DC/{n}.npy" for n in ("BikeDC_dropoff", "DC_poi"))),
    Format("crosstres-zip", write_crosstres_zip, city("crosstres-dc-bike"),
           ("crosstres/crosstres_data.zip",)),
    Format("metr-la", lambda folder: PAPERS.write_metr_la(folder), city("metr-la"),
           ("dcrnn/metr-la.h5", "dcrnn/adj_mx.pkl", "dcrnn/graph_sensor_locations.csv")),
    Format("stgfsl", write_stgfsl, city("stgfsl-chengdu"),
           ("stgfsl/chengdu_m/dataset.npy", "stgfsl/chengdu_m/matrix.npy")),
]  # fmt: skip
