"""A speed city from a person's own files, with a report of what was kept, dropped and why."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.adjacency import gaussian_kernel, haversine
from stflow_lib.data.calendars import check_zone
from stflow_lib.data.check import SPEED_LIMITS
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import column_names, utf8
from stflow_lib.data.files.open import named, read_bytes
from stflow_lib.data.files.read import read_table
from stflow_lib.data.readers.edges import EDGE_ENDS, first_of, from_edges
from stflow_lib.data.readers.speed_tables import read_speeds, separator
from stflow_lib.data.schema import graph_city, with_content_hash
from stflow_lib.data.time_axis import stray_day

PLACES = {
    "sensor": ("sensor", "sensor_id", "station", "station_id", "vds_id", "segment", "id"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "lng", "longitude"),
}
CLOCK = "an hour that the clocks skip is missing, one that comes twice is averaged"
WORDS = {  # of the report, in its order
    "rows_averaged": "rows averaged with others of the same step",
    "rows_stray": "rows more than a month from the rest dropped",
    "speeds_impossible": "speeds below 0 or above the limit made missing",
    "sensors_never_read": "sensors without a reading dropped",
    "steps_filled": "steps without a row made missing",
    "sensors_without_place": "sensors without a place kept",
    "places_unused": "sensors of the other table without speeds left out",
}


def sensors_city(
    speeds: Path | str | Sequence[Path | str], sensors: Path | str | None = None, *,
    zone: str, unit: str, name: str = "", step_minutes: int | None = None,
    columns: Mapping[str, str] | None = None, sigma: float | None = None,
    source: str = "own files", licence: str = "not stated",
) -> xr.Dataset:  # fmt: skip
    """A sealed speed city from wide or long CSV or PeMS station text, one file or several.

    sensors: a table of places (sensor, lat, lon; weights by distance in km) or of edges (see
    `from_edges`); without, there is no adjacency. zone: IANA name; unit: mph, km/h or m/s;
    step_minutes: the most frequent difference of stamps unless given; name: the file's unless
    given; columns: see `read_speeds`; sigma: of the Gaussian weights. Where some sensors have no
    place, lat and lon are NaN for all, and what is known stands in known_lat and known_lon.
    What was kept, dropped and why is printed in one line and stands in the attribute `report`,
    each count in one of its own. DataError names the file and what is wrong with it.
    """
    paths = [speeds] if isinstance(speeds, str | Path) else list(speeds)
    name = name or Path(paths[0]).name.split(".")[0]
    _check_words(name, zone, unit)
    tables, twice = zip(*(read_speeds(path, zone, columns) for path in paths), strict=True)
    counts = {"rows_averaged": sum(twice)}
    speed = pd.concat(tables).sort_index()
    step = step_minutes or _step(speed.index, paths[0])
    speed = _regular(_possible(_without_strays(speed, counts), unit, counts), step, counts)
    with named(sensors or name, "not readable"):
        graph = _graph(sensors, list(speed.columns), sigma, counts)
    report = _report(name, speed, step, unit, counts)
    print(report)
    known = graph.pop("known", {})
    city = graph_city(speed.to_numpy(), speed.index, node=_ids(speed.columns), **graph,
                      name=name, zone=zone, unit=unit, step_minutes=step, source=source,
                      licence=licence, clock=CLOCK, report=report, **counts)  # fmt: skip
    city = city.assign_coords({axis: ("node", values) for axis, values in known.items()})
    return with_content_hash(city)


def _check_words(name: str, zone: str, unit: str):
    check_zone(zone, name)
    if unit not in SPEED_LIMITS:
        raise DataError(f"{name}: unit {unit!r}: want one of {', '.join(SPEED_LIMITS)}")


def _step(time: pd.DatetimeIndex, path: Path | str) -> int:
    """The most frequent difference of stamps, in minutes."""
    gaps = pd.Series(time.unique()).diff().dropna()
    minutes = gaps.mode()[0] / pd.Timedelta("1min") if len(gaps) else 0
    if minutes < 1 or 1440 % minutes:
        raise DataError(f"{path}: most stamps lie {minutes:g} minutes apart, which does not "
                        "divide a day; give step_minutes")  # fmt: skip
    return int(minutes)


def _without_strays(speed: pd.DataFrame, counts: dict) -> pd.DataFrame:
    """The rows that no gap of more than a month parts from most."""
    before = len(speed)
    while True:
        days = speed.index.to_numpy().astype("datetime64[D]").astype(np.int64)
        if (at := stray_day(days)) is None:
            counts["rows_stray"] = before - len(speed)
            return speed
        gaps = np.flatnonzero(np.diff(days) > 31) + 1
        parts = np.split(np.arange(len(days)), gaps)
        away = next(part for part in parts if at in part)
        speed = speed.drop(speed.index[away])


def _possible(speed: pd.DataFrame, unit: str, counts: dict) -> pd.DataFrame:
    """Speeds that a road allows, of sensors that have one."""
    wrong = (speed < 0) | (speed > SPEED_LIMITS[unit])
    speed = speed.mask(wrong)
    silent = speed.columns[speed.isna().all()]
    counts["speeds_impossible"], counts["sensors_never_read"] = (
        int(wrong.sum().sum()),
        len(silent),
    )
    return speed.drop(columns=silent)


def _regular(speed: pd.DataFrame, step: int, counts: dict) -> pd.DataFrame:
    """One row a step, from the first to the last, averaged where there are several."""
    every = f"{step}min"
    floored = speed.index.floor(every)
    readings = speed.notna().groupby(floored).sum()
    counts["rows_averaged"] += int((readings.max(axis=1) - 1).clip(lower=0).sum())
    speed = speed.groupby(floored).mean()
    full = pd.date_range(floored[0], floored[-1], freq=every)
    counts["steps_filled"] = len(full) - len(speed)
    return speed.reindex(full)


def _graph(path, sensors: list[str], sigma: float | None, counts: dict) -> dict:
    """adjacency, lat and lon of the sensors, and the places that are `known` if not all are."""
    nowhere = np.full(len(sensors), np.nan)
    if path is None:
        return {"adjacency": None, "lat": nowhere, "lon": nowhere}
    path = Path(path)
    content = utf8(read_bytes(path), str(path))
    sep = separator(content)
    names = column_names(content, str(path), sep)
    if all(first_of(names, ends) for ends in EDGE_ENDS):
        table = read_table(path, sep=sep)
        return {"adjacency": from_edges(table, sensors, sigma), "lat": nowhere, "lon": nowhere}
    columns = {role: first_of(names, PLACES[role]) for role in PLACES}
    if missing := [role for role, found in columns.items() if not found]:
        raise DataError(f"{path}: no column for {missing[0]!r} among {', '.join(names)}; wanted "
                        "sensor, lat and lon, or edges: from, to and distance")  # fmt: skip
    table = read_table(path, [columns["sensor"]], [columns["lat"], columns["lon"]], sep=sep)
    return _places(
        table.rename(columns={v: k for k, v in columns.items()}), sensors, sigma, counts
    )


def _places(table: pd.DataFrame, sensors: list[str], sigma: float | None, counts: dict) -> dict:
    table = table.assign(sensor=table["sensor"].astype(str).str.strip())
    table = table.drop_duplicates("sensor").set_index("sensor")
    counts["places_unused"] = int((~table.index.isin(sensors)).sum())
    lat, lon = (table[axis].reindex(sensors).to_numpy(float) for axis in ("lat", "lon"))
    lost = np.isnan(lat) | np.isnan(lon)
    counts["sensors_without_place"] = int(lost.sum())
    distance = haversine(lat, lon)
    distance[lost], distance[:, lost] = np.inf, np.inf
    np.fill_diagonal(distance, 0)
    found = {"adjacency": gaussian_kernel(distance, sigma), "lat": lat, "lon": lon}
    if not lost.any():
        return found
    nowhere = np.full(len(sensors), np.nan)
    known = {"known_lat": lat, "known_lon": lon}
    return {**found, "lat": nowhere, "lon": nowhere, "known": known}


def _ids(names: pd.Index) -> np.ndarray:
    """Sensor ids: numbers where all are whole ones, else text."""
    whole = all(name.isdigit() and name == str(int(name)) for name in names)
    return np.array(names, np.int64 if whole else str)


def _report(name: str, speed: pd.DataFrame, step: int, unit: str, counts: dict) -> str:
    share = 100 * float(speed.isna().to_numpy().mean())
    told = [f"{counts[key]} {word}" for key, word in WORDS.items() if counts.get(key)]
    kept = (f"{name}: kept {speed.shape[1]} sensors, {len(speed)} steps of {step} min from "
            f"{speed.index[0]} to {speed.index[-1]}, {unit}, {share:.1f} % missing")  # fmt: skip
    return "; ".join([kept, *told])
