"""Small valid files of speeds, in every format that the package reads."""

from pathlib import Path

import numpy as np
from mutations.parts import (
    AARHUS,
    GRAPHS,
    PAPERS,
    SENSORS,
    five_minutes,
    miles,
    places,
    sheet,
    speeds,
    weights,
)


def write_la(folder: Path) -> None:
    """T-GCN's table of speeds with its matrix, and DCRNN's table of places."""
    base = folder / "speed" / "la"
    sheet(base / "los_speed.csv", ",".join(map(str, SENSORS)), speeds())
    sheet(base / "los_adj.csv", "", np.round(weights() + weights().T, 3) / 2)
    rows = [(i, *place) for i, place in enumerate(places(34.1, -118.2))]
    sheet(base / "graph_sensor_locations.csv", "index,sensor_id,latitude,longitude", rows)


def write_san_diego(folder: Path) -> None:
    """The compact form: speeds and shares observed, places, distances."""
    base = folder / "speed" / "san-diego"
    sheet(base / "sensors.csv", "sensor,lat,lon", places(32.8, -117.2))
    observed = np.arange(48, dtype=np.uint8).reshape(12, 4)
    np.savez(base / "speed.npz", speed_mph=speeds().astype("f4"), observed_pct=observed,
             time=five_minutes("2024-01-01"), sensor=np.array(SENSORS))  # fmt: skip
    np.savez(base / "distance.npz", matrix=miles(places(32.8, -117.2)), sensor=SENSORS)


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


def write_stgfsl(folder: Path) -> None:
    """ST-GFSL's dataset of two channels, and its matrix."""
    base = folder / "stgfsl" / "chengdu_m"
    PAPERS.save(base / "dataset.npy", np.stack([speeds(), speeds() * 0 + 0.5], -1))
    PAPERS.save(base / "matrix.npy", weights())
