"""Catalogue: the grid cities that stand in for the papers' flow maps and demand grids."""

from functools import partial

from stflow_lib.data.catalog.entry import Entry
from stflow_lib.data.readers import bikes, didi, grids, taxi

CABS = {
    "kind": "grid",
    "span": "2008-05-17 to 2008-06-10",
    "zone": taxi.SF_ZONE,
    "source": "cabspotting: 11,220,058 GPS fixes of 537 San Francisco taxis",
    "licence": "CRAWDAD epfl/mobility, research",
    "forms": ((taxi.SF_GPS,),),
    "manifest": "taxi-sf",
    "size_mb": 44.4,
}


def _entries(cells: int, step: int, shape: str, role: str) -> Entry:
    return Entry(
        f"taxi-sf-{cells}",
        what=f"San Francisco taxis entering {cells} x {cells} cells, from GPS fixes",
        shape=shape, step_minutes=step, unit="entries per step", stands_in_for=role,
        read=partial(taxi.read_taxi_entries, cells=cells, step_minutes=step), factor=4, **CABS,
    )  # fmt: skip


JONAS = {"nyc": ("New York", "16 x 8"), "dc": ("Washington DC", "9 x 12")}


def _jonas(city: str, mode: str) -> Entry:
    place, cells = JONAS[city]
    return Entry(
        f"jonas-{city}-{mode}", f"{place} {mode} pick-ups and drop-offs, half-kilometre cells",
        "grid", f"2400 x 2 x {cells}", "2015-10-24 to 2016-01-31", 60, "America/New_York",
        "trips per step", "JONAS, released with EAST-Net (underdoc-wang/EAST-Net)", "MIT",
        partial(grids.read_jonas, city=city, mode=mode), manifest="jonas",
        forms=((f"jonas/{grids.JONAS_FILES[city]}-20151024-20160131.npz",),),
        stands_in_for=f"STBaT: {'NY' if city == 'nyc' else 'DC'} {mode}",
        size_mb=2.0 if city == "nyc" else 0.6,
    )  # fmt: skip


def _bikes(city: str, place: str, system: str, places: str, box, cells, zone: str) -> Entry:
    months = (f"bikes-2021/2021{month}-{system}-tripdata.zip" for month in ("01", "02"))
    return Entry(
        f"bikes-{city}-2021", f"{place} bike rides, starts and ends in 1 km cells, with POI",
        "grid", f"1416 x 2 x {cells[0]} x {cells[1]}", "2021-01-01 to 2021-02-28", 60, zone,
        "rides per step", f"{system} trip histories; OpenStreetMap points ({places})",
        "operator's data licence (derived grids only); POI: ODbL",
        partial(bikes.read_bikes, system=system, places=places, box=box, cells=cells,
                zone=zone),
        forms=((*months, f"poi/{places}.parquet"),), manifest=f"bikes-{city}-2021",
        stands_in_for=f"STBaT: {'CHI' if city == 'chicago' else 'DC'} bike, with real POI",
        size_mb=6.1 if city == "chicago" else 7.0,
    )  # fmt: skip


def _didi(city: str, place: str) -> Entry:
    return Entry(
        f"didi-{city}-2016", f"{place} DiDi orders where they begin, half-kilometre cells",
        "grid", "1440 x 1 x 16 x 16", "2016-10-01 to 2016-11-29", 60, "Asia/Shanghai",
        "orders per step", "DiDi GAIA, as UCTB has it (uctb/UCTB)",
        "MIT (repository); DiDi GAIA upstream", partial(didi.read_didi, city=city),
        forms=((f"didi-2016/{city}.npz",),), manifest=f"didi-{city}-2016",
        stands_in_for="STBaT: a further pair of taxi cities", size_mb=3.2,
    )  # fmt: skip


ENTRIES = [
    _entries(64, 30, "1151 x 1 x 64 x 64", "UrbanSTC: TaxiBJ, at a laptop's size"),
    _entries(128, 60, "576 x 1 x 128 x 128", "UrbanSTC: TaxiBJ, at the paper's size"),
    Entry(
        "taxi-sf-trips",
        what="San Francisco taxi pick-ups and drop-offs, from the occupied flag",
        shape="576 x 2 x 32 x 32", step_minutes=60, unit="rides per step",
        stands_in_for="STBaT: a further taxi city",
        read=partial(taxi.read_taxi_trips, cells=32, step_minutes=60), **CABS,
    ),
    Entry(
        "bikenyc-p6", "Citi Bike New York, in- and outflow, with coarse maps, x2", "grid",
        "2189 x 2 x 80 x 32", "2018-01-01 to 2018-04-02", 60, "America/New_York",
        "bikes per step",
        "BikeNYC in UrbanFM's layout (Casual-Ness/TAT-FUFP, P6)",
        "not stated; Citi Bike data policy upstream", grids.read_bikenyc_p6,
        manifest="bikenyc-p6", stands_in_for="UrbanSTC: BikeNYC", size_mb=1.0, factor=2,
    ),
    Entry(
        "nyc-2016", "New York taxi trips, ends and beginnings in 192 cells, x2", "grid",
        "4320 x 2 x 16 x 12", "2016-01-01 to 2016-03-30", 30, "America/New_York",
        "trips per step", "New York taxis of early 2016, released with STSAN (haoxingl/STSAN)",
        "MIT", grids.read_nyc_2016, forms=(("nyc-2016/taxi.npz",),),
        manifest="nyc-2016", stands_in_for="UrbanSTC: a further dense city", size_mb=1.1,
        factor=2,
    ),
    *(_jonas(city, mode) for city in JONAS for mode in ("taxi", "bike")),
    _bikes(
        "chicago", "Chicago", "divvy", "chicago-2020",
        bikes.CHICAGO, bikes.CHICAGO_CELLS, "America/Chicago",
    ),
    _bikes(
        "dc", "Washington DC", "capitalbikeshare", "dc-2017",
        bikes.WASHINGTON, bikes.WASHINGTON_CELLS, "America/New_York",
    ),
    _didi("chengdu", "Chengdu"),
    _didi("xian", "Xi'an"),
]  # fmt: skip
