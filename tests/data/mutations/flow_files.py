"""Small valid files of grids, rides and fixes, in every format that the package reads."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from mutations.parts import GRAPHS, GRIDS, PAPERS, TAXI, sheet

from stflow_lib.data.rasterize import gps
from stflow_lib.data.readers import bikes
from stflow_lib.data.schema import Box


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
