"""Anybody's trips: CSV, zip or parquet files of any known or described layout -> a grid city.

Nothing is left out in silence: what was kept, what was dropped and why stands in the attributes
and in one printed line.
"""

import csv
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import parse_csv, utf8
from stflow_lib.data.files.open import demand_size, named, need_file, open_zip, read_bytes
from stflow_lib.data.files.read import read_table
from stflow_lib.data.rasterize.trips import COLUMNS, rides_city
from stflow_lib.data.readers.trip_layouts import IDENTITIES, columns_of, key
from stflow_lib.data.schema import EDGES, Box
from stflow_lib.data.time_axis import MONTH, daylight_changes

SEPARATORS = ",;\t|"
OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
MILLISECONDS = 10**11  # a number above it is no seconds since 1970
CLOCK = "wall clock: at {} an hour is skipped (empty) or happens twice (counted together)"


def read_trips(
    paths: Path | str | Iterable[Path | str], columns: Mapping[str, str] | None = None,
    zone: str | None = None, month_first: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """Trips of csv files (comma, semicolon, tab), zips of them, or parquet files.

    -> start, end [wall clock of `zone`], start_lat, start_lon, end_lat, end_lon [degrees, NaN
    where unknown]. Known layouts are recognised by their header; columns: "start", "end",
    "start_lat", ... -> their names in other files. Stamps with an offset and numbers (unix time)
    become the wall clock of `zone`; month_first: dates with slashes are month/day/year.

    attrs: rides_read, and what was dropped: rides_double (again by ride_id, or all columns),
    rides_undated (no readable start or end). DataError names the file, and for a layout that is
    not known which columns are missing and how to name them.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    tables = [
        _trips(raw, where, columns, zone, month_first)
        for path in paths
        for where, raw in _tables(Path(path))
    ]
    if not tables:
        raise DataError("read_trips: no table is given")
    trips = pd.concat(tables, ignore_index=True)
    read, double = len(trips), trips.duplicated("ride")
    kept = trips[~double]
    dated = kept[["start", "end"]].notna().all(axis=1)
    kept = kept.loc[dated, list(COLUMNS)].reset_index(drop=True)
    if not len(kept):
        raise DataError(f"{paths[0]}: none of {read} rows has a readable start and end")
    counts = {"rides_double": int(double.sum()), "rides_undated": int((~dated).sum())}
    kept.attrs = {"rides_read": read, **counts}
    return kept


def trips_city(
    paths: Path | str | Iterable[Path | str], zone: str, name: str = "your-city",
    cell_m: float = 500, step_minutes: int = 60, share: float = 0.99, box: Box | None = None,
    columns: Mapping[str, str] | None = None, month_first: bool = True, **attrs,
) -> xr.Dataset:  # fmt: skip
    """Pick-ups and drop-offs by step and cell, from trip files to a checked city.

    zone: IANA name; box: where cells lie, else around `share` of all ends; cell_m: their side in
    metres. Trips more than a month from most others are dropped (`rides_astray`). See
    `read_trips` for files, `rasterize.trips` for the other counts.
    """
    trips = read_trips(paths, columns, zone, month_first)
    near = _near(trips["start"])
    told = dict(trips.attrs)
    trips = trips[near].reset_index(drop=True)
    trips.attrs = {"rides_double": told.pop("rides_double")}
    told["rides_astray"] = int((~near).sum())
    box = box or Box.around(_ends(trips), share, cell_m)
    first, last = trips["start"].min(), trips["start"].max()
    changes = daylight_changes(first, last, zone)
    clock = {"clock": CLOCK.format(", ".join(map(str, changes)))} if changes else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is left out is printed below
        city = rides_city(
            trips, box, *box.cells(cell_m), step_minutes, "UTC" if changes else zone,
            **{"name": name, "source": _names(paths), "licence": "yours", **attrs}, **told,
        )  # fmt: skip
    city = city.assign_attrs(zone=zone, **clock)
    print(summary(city))
    return city


def box_of(city: xr.Dataset) -> Box:
    """Where the cells of a city lie; DataError for one that does not say it.

    A city in the same box with cells of a half, a third, ... of its side refines it.
    """
    if missing := [edge for edge in EDGES if edge not in city.attrs]:
        raise DataError(
            f"{city.attrs['name']}: no {missing[0]}, nobody knows where its cells lie"
        )
    return Box(*(city.attrs[edge] for edge in EDGES))


def summary(city: xr.Dataset) -> str:
    """One line: what was counted, in what grid, and what was left out and why."""
    attrs, flow = city.attrs, city.flow
    left = {k.replace("_", " "): v for k, v in attrs.items()
            if k.startswith(("rides_", "pickups_", "dropoffs_"))
            and k not in ("rides_read",) and not k.endswith("_rounded") and v}  # fmt: skip
    out = ", ".join(f"{count:,} {what}" for what, count in left.items()) or "nothing"
    days = city.sizes["time"] * attrs["step_minutes"] / 1440
    return (f"{attrs['name']}: {attrs['rides_read']:,} rides read, {float(flow.sum()):,.0f} ends "
            f"counted in {city.sizes['row']} x {city.sizes['col']} cells of "
            f"{attrs['cell_m']:.0f} m over {days:.1f} days; left out: {out}")  # fmt: skip


def _tables(path: Path) -> Iterable[tuple[str, pd.DataFrame]]:
    """Every table of a file, all columns as text but those of parquet."""
    if path.suffix == ".parquet":
        yield str(path), read_table(path)
    elif path.suffix.lower() == ".zip":
        with open_zip(need_file(path), path) as archive:
            names = [n for n in archive.members if n.lower().endswith(".csv")]
            demand_size(sum(archive.members[n].file_size for n in names), path)
            for name in names:
                yield f"{path}/{name}", _csv(archive.read(name), f"{path}/{name}")
    else:
        yield str(path), _csv(read_bytes(path), str(path))


def _csv(content: bytes, where: str) -> pd.DataFrame:
    text = utf8(content, where)
    with named(where, "not readable as a table"):
        header = next(csv.reader(io.StringIO(text.split(b"\n", 1)[0].decode())), [""])
    line = ",".join(header)
    sep = max(SEPARATORS, key=line.count)
    return parse_csv(text, where, sep=sep, dtype=str)


def _trips(
    raw: pd.DataFrame, where: str, columns: Mapping[str, str] | None, zone: str | None,
    month_first: bool,
) -> pd.DataFrame:  # fmt: skip
    names = columns_of(map(str, raw.columns), where, columns)
    trips = pd.DataFrame(
        {end: _times(raw[names[end]], zone, month_first, where) for end in ("start", "end")}
    )
    for name in COLUMNS[2:]:
        trips[name] = degrees_of(raw[names[name]], where, 90 if name.endswith("lat") else 180)
    known = next((c for c in raw.columns if key(str(c)) in map(key, IDENTITIES)), None)
    same = raw[known] if known else pd.util.hash_pandas_object(raw, index=False)
    return trips.assign(ride=same)


def degrees_of(column: pd.Series, where: str, limit: float) -> pd.Series:
    """Degrees; NaN for blanks, for 0 and for what lies off the globe. Decimal commas are read."""
    text = column.str.replace(",", ".") if column.dtype == object else column
    degrees = pd.to_numeric(text, errors="coerce").astype(float)
    degrees = degrees.where((degrees.abs() <= limit) & (degrees != 0))
    if degrees.isna().all():
        raise DataError(f"{where}: {column.name}: no degrees, it begins {column.iloc[0]!r}")
    return degrees


def _times(
    column: pd.Series, zone: str | None, month_first: bool, where: str
) -> pd.Series:  # fmt: skip
    """Wall-clock times, NaT where unreadable; DataError where a zone is needed and not given."""
    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return _local(column, zone, where) if getattr(column.dt, "tz", None) else column
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().mean() > 0.5:
        unit = "ms" if numbers.median() > MILLISECONDS else "s"
        return _local(pd.to_datetime(numbers, unit=unit, utc=True), zone, where)
    text = column.astype(str).str.strip()
    if text.str.contains(OFFSET).mean() > 0.5:
        stamps = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        return _local(stamps, zone, where)
    if "/" in text.iloc[0] or "." in text.iloc[0][:6]:
        return pd.to_datetime(text, dayfirst=not month_first, format="mixed", errors="coerce")
    return pd.to_datetime(text, format="ISO8601", errors="coerce")


def instants_of(column: pd.Series, zone: str | None, where: str) -> pd.Series:
    """Unix seconds of times in any form, <NA> where unreadable; wall clocks are those of `zone`."""
    local = _times(column, "UTC", True, where)
    if _has_offset(column):
        stamps = local.dt.tz_localize("UTC")
    elif zone is None:
        raise DataError(f"{where}: {column.name} has no offset from UTC: name the zone")
    else:
        with named(f"zone {zone!r}", "not a time zone"):
            stamps = local.dt.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    seconds = stamps.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[s]")
    return seconds.astype("int64").astype("Int64").where(stamps.notna())


def _has_offset(column: pd.Series) -> bool:
    """Whether most times say what instant they are: numbers, or stamps with an offset."""
    if column.dtype.kind in "iuf" or isinstance(column.dtype, pd.DatetimeTZDtype):
        return True
    if column.dtype.kind == "M":
        return False
    numbers = pd.to_numeric(column, errors="coerce").notna()
    text = column.astype(str).str.strip()
    return bool((numbers | text.str.contains(OFFSET)).mean() > 0.5)


def _local(stamps: pd.Series, zone: str | None, where: str) -> pd.Series:
    if zone is None:
        raise DataError(f"{where}: {stamps.name} has an offset from UTC: name the zone of the "
                        "city, as zone='Europe/Berlin'")  # fmt: skip
    with named(f"zone {zone!r}", "not a time zone"):
        return stamps.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)


def _near(start: pd.Series) -> np.ndarray:
    """Rides without a gap of more than MONTH days to the bulk of them."""
    days = start.to_numpy("datetime64[D]").astype(np.int64)
    present, counts = np.unique(days, return_counts=True)
    group = np.cumsum(np.diff(present, prepend=present[0]) > MONTH)
    largest = np.bincount(group, counts).argmax()
    return group[np.searchsorted(present, days)] == largest


def _ends(trips: pd.DataFrame) -> np.ndarray:
    """Latitude and longitude of all known ends [N, 2]."""
    ends = [trips[[f"{end}_lat", f"{end}_lon"]].dropna().to_numpy() for end in ("start", "end")]
    return np.concatenate(ends)


def _names(paths: Path | str | Iterable[Path | str]) -> str:
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    return ", ".join(Path(path).name for path in paths)
