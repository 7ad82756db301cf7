"""Every format that the package reads: its writer, its reader, its files mutated one by one."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import xarray as xr
from mutations import text
from mutations.flow_files import (
    RAW,
    write_bikes,
    write_citibike,
    write_crosstres,
    write_crosstres_zip,
    write_fixes,
    write_jonas,
    write_p6_folder,
    write_raw_fixes,
    write_taxibj,
)
from mutations.parts import GRIDS, PAPERS
from mutations.speed_files import (
    write_aarhus,
    write_bay,
    write_citypulse,
    write_la,
    write_pems,
    write_san_diego,
    write_stgfsl,
)

from stflow_lib.data.catalog import index
from stflow_lib.data.readers import taxi


@dataclass(frozen=True)
class Format:
    """One format: its name, its writer, its reader, and the files that are mutated."""

    name: str
    write: Callable[[Path], object]
    read: Callable[[Path], xr.Dataset]
    files: tuple[str, ...]
    only: list | None = None  # changes of tables of text, where not all of them


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


def read_raw_fixes() -> Callable[[Path], xr.Dataset]:
    """The same city from two raw files, all that its manifest lists here."""
    load, listed = city("taxi-sf-64"), tuple(SimpleNamespace(into=path) for path in RAW)

    def read(folder: Path) -> xr.Dataset:
        with patch.object(taxi, "manifest", lambda name: listed):
            return load(folder)

    return read


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
