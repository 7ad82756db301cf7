"""Grid cities built from bike trip tables: Chicago and Washington 2021, BikeNYC 2019."""

from pathlib import Path

import pandas as pd

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import named, need_file
from stflow_lib.data.files.read import read_table
from stflow_lib.data.rasterize import poi, trips
from stflow_lib.data.rasterize.cells import cell_metres
from stflow_lib.data.readers.trip_tables import read_trips
from stflow_lib.data.schema import Box, grid_city

# 99 % of rides, in cells of 0.01 x 0.01 degrees, about 1 km, centred on hundredths: one ride in
# ten is recorded to two decimals, and falls into the cell where it most likely was
CHICAGO = Box(41.725, 42.075, -87.775, -87.525)
WASHINGTON = Box(38.785, 39.015, -77.165, -76.935)
CHICAGO_CELLS, WASHINGTON_CELLS = (35, 25), (23, 23)
NYC = Box(40.65, 40.81, -74.01, -73.93)  # UrbanSTC, section on data
NYC_MONTHS = ("201901", "201902", "201903")
NYC_CLOCK = "wall clock; the hour that daylight saving skips (2019-03-10 02:00) is an empty row"


def read_bikes(folder: Path, system: str, places: str, box: Box, cells: tuple, zone: str):
    """Hourly starts and ends of rides in January and February 2021, with POI in 14 groups.

    system names the trip files ("divvy", "capitalbikeshare"), places the POI file ("dc-2017").
    Rides without an end count at their start only; attributes count all that is left out.
    """
    months = [folder / "bikes-2021" / f"2021{m}-{system}-tripdata.zip" for m in ("01", "02")]
    rides = trips.trip_grids(
        read_trips(months, zone), box, *cells, 60, zone,
        first="2021-01-01", last="2021-02-28",
    )  # fmt: skip
    with named(_places_file(folder / "poi", places), "not readable as places"):
        points = poi.poi_grids(read_places(folder / "poi", places), box, *cells)
    city = grid_city(
        rides.values, rides["time"].values, list(rides["direction"].values),
        cell_m=cell_metres(box, *cells), **box.attrs(), **rides.attrs,
        **{f"poi_{key}": count for key, count in points.attrs.items()},
    )  # fmt: skip
    return city.assign(poi=points)


def read_places(folder: Path, name: str) -> pd.DataFrame:
    """The POI table `name` ("chicago-2020"): the compact parquet, else the raw sheet.

    Columns at least osm_id, fclass, lat, lon. The raw `POI_Chicago-2020.xls` needs the package
    xlrd, which nothing else here does.
    """
    path, columns = _places_file(folder, name), ["osm_id", "fclass"]
    if path.suffix == ".parquet":
        return read_table(path, columns, ["lat", "lon"])
    with named(need_file(path), "not readable as a sheet (pip install xlrd?)"):
        table = pd.read_excel(path)
    missing = [column for column in [*columns, "lat", "lon"] if column not in table]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing")
    return table


def _places_file(folder: Path, name: str) -> Path:
    compact = folder / f"{name}.parquet"
    if compact.exists():
        return compact
    city, year = name.split("-")
    return folder / f"POI_{city.upper() if len(city) < 4 else city.title()}-{year}.xls"


def read_bikenyc_2019(folder: Path):
    """BikeNYC of UrbanSTC, built from Citi Bike's trip files of January to March 2019.

    Starts plus ends of an hour in 80 x 40 cells, one channel: the paper does not say what it
    counts, and this is the reading that can reach its numbers.
    """
    base = folder / "bikenyc-2019"
    names = [f"{month}-citibike-tripdata.csv" for month in NYC_MONTHS]
    paths = [base / name if (base / name).exists() else base / f"{name}.zip" for name in names]
    table = read_trips(paths)
    rides = trips.trip_grids(
        table, NYC, 80, 40, 60, "UTC",  # wall clock as it is, see NYC_CLOCK
        first="2019-01-01", last="2019-03-31",
    )  # fmt: skip
    both = rides.values.sum(1, keepdims=True)
    return grid_city(
        both, rides["time"].values, ["starts+ends"], factor=2, clock=NYC_CLOCK,
        cell_m=cell_metres(NYC, 80, 40), **NYC.attrs(), **rides.attrs,
    )  # fmt: skip
