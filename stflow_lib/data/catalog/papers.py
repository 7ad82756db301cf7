"""Catalogue: the papers' own data sets, for those who have or can get the files."""

from functools import partial

from stflow_lib.data.catalog.entry import Entry
from stflow_lib.data.readers import bikes, papers
from stflow_lib.data.schema import Box

SPANS = {
    "P1": ("3060", "2013-07-01 to 2013-10-31"),
    "P2": ("T", "2014-02-01 to 2014-06-30"),
    "P3": ("T", "2015-03-01 to 2015-06-30"),
    "P4": ("T", "2015-11-01 to 2016-03-31"),
}
BOXES = {
    "metr-la": Box(33.9, 34.4, -118.7, -118.0),
    "pems-bay": Box(37.0, 37.7, -122.4, -121.6),
}
PARTS = ("train", "valid", "test")


def _taxibj(period: str) -> Entry:
    steps, span = SPANS[period]
    names = [f"{part}/{name}.npy" for part in PARTS for name in ("X", "Y", "ext")]
    return Entry(
        f"taxibj-{period.lower()}", f"Beijing taxi inflow, TaxiBJ {period}, x4, with weather",
        "grid", f"{steps} x 1 x 128 x 128", span, 30, "nominal", "vehicles per step",
        "TaxiBJ fine-grained, released with UrbanFM (yoshall/UrbanFM)", "not stated",
        partial(papers.read_taxibj, period=period),
        forms=((f"taxibj/{period}.zip",), tuple(f"taxibj/{period}/{n}" for n in names)),
        manifest=f"taxibj-{period.lower()}", stands_in_for=f"UrbanSTC: TaxiBJ {period} itself",
        factor=4,
    )  # fmt: skip


def _crosstres(city: str, mode: str) -> Entry:
    inside = [f"{mode}{city}_pickup.npy", f"{mode}{city}_dropoff.npy", f"{city}_poi.npy"]
    base = "crosstres/crosstres_data"
    grids = {"NY": "23 x 20", "CHI": "lat x lng", "DC": "20 x 21"}
    return Entry(
        f"crosstres-{city.lower()}-{mode.lower()}", f"{mode} demand of {city} with POI counts",
        "grid", f"8784 x 2 x {grids[city]}", "2016, one leap year", 60, "nominal",
        "trips per step", "CrossTReS data set (KL4805/CrossTReS)", "not stated",
        partial(papers.read_crosstres, city=city, mode=mode),
        forms=((f"{base}.zip",), tuple(f"{base}/{city}/{name}" for name in inside)),
        manifest="crosstres", stands_in_for=f"STBaT: {city} {mode.lower()} itself",
    )  # fmt: skip


def _dcrnn(city: str, shape: str, span: str, pickle: str, places: str) -> Entry:
    h5 = (f"dcrnn/{city}.h5",), (f"dcrnn/{city}.zip",), (f"dcrnn/{city}/{city}.h5",)
    return Entry(
        city, f"{city.upper()}: freeway loops in the files of DCRNN", "graph", shape, span, 5,
        "America/Los_Angeles", "mph", "DCRNN (Li et al., 2018)", "not stated",
        partial(papers.read_dcrnn, city=city, zeros_as_missing=True),
        forms=tuple((*data, f"dcrnn/{pickle}", f"dcrnn/{places}") for data in h5),
        manifest=city, stands_in_for=f"TSJT: {city.upper()} itself", box=BOXES[city],
        how=f"{pickle} is in data/sensor_graph of liyaguang/DCRNN: put it in dcrnn/.",
    )  # fmt: skip


def _stgfsl(name: str, city: str, shape: str, span: str, unit: str) -> Entry:
    step = papers.STGFSL[city][1]
    return Entry(
        f"stgfsl-{name}", f"{name} in the files of ST-GFSL", "graph", shape, span, step,
        "nominal", unit, "ST-GFSL (Lu et al., 2022), copy of afofanah/ST_FSFusion",
        "not stated", partial(papers.read_stgfsl, city=city, zeros_as_missing=True),
        forms=(tuple(f"stgfsl/{city}/{file}.npy" for file in ("dataset", "matrix")),),
        manifest=f"stgfsl-{name}", stands_in_for=f"TSJT: {name} itself",
    )  # fmt: skip


BIKENYC = Entry(
    "bikenyc-2019", "Citi Bike New York, starts plus ends, x2, built from the trip files",
    "grid", "2160 x 1 x 80 x 40", "2019-01-01 to 2019-03-31", 60, "America/New_York",
    "trip ends per step", "Citi Bike trip histories", "Citi Bike data licence agreement",
    bikes.read_bikenyc_2019,
    forms=tuple(
        tuple(f"bikenyc-2019/{month}-citibike-tripdata.csv{end}" for month in bikes.NYC_MONTHS)
        for end in (".zip", "")
    ),
    how="Download 201901-, 201902- and 201903-citibike-tripdata.csv.zip from "
    "s3.amazonaws.com/tripdata and put them in bikenyc-2019/.",
    stands_in_for="UrbanSTC: BikeNYC itself", factor=2,
)  # fmt: skip

ENTRIES = [
    *map(_taxibj, SPANS),
    BIKENYC,
    *(_crosstres(city, mode) for city in ("NY", "CHI", "DC") for mode in ("Taxi", "Bike")),
    _dcrnn(
        "metr-la", "34272 x 207", "2012-03-01 to 2012-06-27",
        "adj_mx.pkl", "graph_sensor_locations.csv",
    ),
    _dcrnn(
        "pems-bay", "52128 x 325", "2017-01-01 to 2017-06-30",
        "adj_mx_bay.pkl", "graph_sensor_locations_bay.csv",
    ),
    _stgfsl("chengdu", "chengdu_m", "17280 x 524", "2018-01-01 to 2018-04-30", "km/h"),
    _stgfsl("shenzhen", "shenzhen", "17280 x 627", "2018-01-01 to 2018-04-30", "km/h"),
    _stgfsl("metr-la", "metr-la", "34272 x 207", "2012-03-01 to 2012-06-27", "mph"),
    _stgfsl("pems-bay", "pems-bay", "52116 x 325", "2017-01-01 to 2017-06-30", "mph"),
]  # fmt: skip
