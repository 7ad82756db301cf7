"""Catalogue: the speed cities that stand in for METR-LA, PEMS-BAY, Chengdu and Shenzhen."""

from stflow_lib.data.catalog.entry import Entry
from stflow_lib.data.readers import aarhus, graphs
from stflow_lib.data.schema import Box

PEMS = "Caltrans Performance Measurement System (PeMS)"
ROLE = "TSJT: one of its four cities (few-shot target in turn, the others as sources)"


def _entry(name: str, **card) -> Entry:
    return Entry(name=name, kind="graph", step_minutes=5, stands_in_for=ROLE, **card)


ENTRIES = [
    _entry(
        "la",
        what="Los Angeles freeway loops: the first week of METR-LA, gaps filled by the source",
        shape="2016 x 207", span="2012-03-01 to 2012-03-07",
        zone="America/Los_Angeles", unit="mph",
        source="METR-LA as given by lehaifeng/T-GCN; sensor places by liyaguang/DCRNN",
        licence="not stated", read=graphs.read_la, manifest="la", size_mb=3.5,
        box=Box(33.9, 34.4, -118.7, -118.0),
    ),
    _entry(
        "san-diego",
        what="San Diego freeway loops (PeMS district 11), 48 % observed, the rest imputed",
        shape="4032 x 308", span="2024-01-01 to 2024-01-14",
        zone="America/Los_Angeles", unit="mph",
        source=f"{PEMS}, district 11, by RickyMiura/Traffic-Speed-Forecasting",
        licence="PeMS, public", read=graphs.read_san_diego, manifest="san-diego", size_mb=2.0,
        box=Box(32.5, 33.4, -117.6, -116.8),
        forms=(("speed/san-diego/speed.npz", "speed/san-diego/sensors.csv",
                "speed/san-diego/distance.npz"),),
    ),
    _entry(
        "bay-i680",
        what="San Francisco Bay, I-680 northbound (PeMS district 4), a corridor; speed and "
        "flow",
        shape="8928 x 136", span="2017-10-01 to 2017-10-31",
        zone="America/Los_Angeles", unit="mph",
        source=f"{PEMS}, district 4, by raj-shukla/Traffic-Prediction",
        licence="PeMS, public", read=graphs.read_bay_i680, size_mb=3.6,
        box=Box(37.3, 38.3, -122.3, -121.7),
        forms=(("speed/bay-i680/speed.npz", "speed/bay-i680/sensors.csv"),),
        how="Export five-minute speed and flow of district 4, I-680 N, October 2017, from "
        "pems.dot.ca.gov (free account) and store them as described in read_bay_i680. Files of "
        "another export are another city: read_bay_i680 reads them, not this name.",
    ),
    _entry(
        "aarhus",
        what="Aarhus, Denmark: travel speeds on road segments (CityPulse), 13 % missing",
        shape="33338 x 449", span="2014-02-13 to 2014-06-09",
        zone="Etc/GMT-1", unit="km/h",
        source="CityPulse road traffic data, Open Data Aarhus",
        licence="CC BY", read=aarhus.read_aarhus, manifest="aarhus", size_mb=20.5,
        box=Box(56.0, 56.3, 10.0, 10.4),
        forms=(("speed/aarhus/speed.npz", "speed/aarhus/segments.csv"),),
    ),
]  # fmt: skip
