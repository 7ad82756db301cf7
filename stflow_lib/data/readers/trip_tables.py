"""Tables of bike rides, in the two layouts in which systems publish them.

The one in use since 2020 (Divvy, Capital Bikeshare: `started_at`, `start_lat`, ...) and that of
Citi Bike before (`starttime`, `start station latitude`, ...), told apart by the header.
"""

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import (
    column_names,
    demand_one_of_each,
    line_of,
    parse_csv,
    utf8,
)
from stflow_lib.data.files.open import (
    Archive,
    demand_size,
    named,
    need_file,
    open_zip,
    read_bytes,
)
from stflow_lib.data.rasterize.trips import COLUMNS

NEW = ("started_at", "ended_at", "start_lat", "start_lng", "end_lat", "end_lng")
OLD = ("starttime", "stoptime", "startstationlatitude", "startstationlongitude",
       "endstationlatitude", "endstationlongitude")  # fmt: skip
LAYOUTS = (NEW, OLD)  # in lower case and without spaces: the spelling differs by year
IDENTITY = "ride_id"
SLASHED = {1: "%m/%d/%Y %H:%M", 2: "%m/%d/%Y %H:%M:%S"}  # by number of colons; Citi Bike 2014
HOUR = 3_600 * 10**9  # in nanoseconds
SHORTEST = len("2021-01-01 10:00")
OFFSET = r"(?:Z|[+-]\d\d(?::?\d\d)?)$"
BOUNDS = {"lat": 90, "lon": 180}


@dataclass(frozen=True)
class _Text:
    """One table as UTF-8 text; `where` names it: path, or archive/member."""

    where: str
    content: bytes

    def refuse(self, wrong: pd.Series, column: pd.Series, rule: str = "") -> None:
        """DataError for the first wrong value of a column, with its line."""
        if wrong.any():
            row = int(np.argmax(wrong))
            line = line_of(self.content, row, self.where)
            raise DataError(
                f"{self.where}: line {line}: {column.name} is {column[row]!r}{rule}"
            )


def read_trips(paths, zone: str | None = None) -> pd.DataFrame:
    """Rides of one path or several, each a csv or a zip of csv files, read without unpacking.

    Columns COLUMNS: start, end [datetime64, wall clock], and degrees, NaN where an end is not
    known. Time stamps with an offset from UTC are converted to the wall clock of `zone`. In the
    old layout dates with slashes are month/day/year. A ride that comes again, by its ride_id or
    else as the same row, is kept once; attrs["rides_double"] counts the others.

    DataError names the file and the member that is no table, the column that is missing or the
    line with a bad value.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    tables = [(text.where, _rides(text, zone)) for path in paths for text in _texts(Path(path))]
    if not tables:
        raise DataError("read_trips: no path is given")
    return _once(*zip(*tables, strict=True))


def _texts(path: Path) -> Iterator[_Text]:
    if path.suffix.lower() == ".zip":
        with open_zip(need_file(path), path) as archive:
            yield from _members(archive)
    else:
        yield _Text(str(path), utf8(read_bytes(path), path))


def _members(archive: Archive, nested: bool = False) -> Iterator[_Text]:
    """Every table of a zip and of the zips in it; another kind of file is an error."""
    if not archive.members:
        raise DataError(f"{archive.where}: no CSV file in it")
    demand_size(sum(info.file_size for info in archive.members.values()), archive.where)
    for name in archive.members:
        place, kind = f"{archive.where}/{name}", PurePosixPath(name).suffix.lower()
        if kind not in (".csv", ".zip"):
            raise DataError(f"{place}: neither a csv nor a zip; pack the tables without it")
        if kind == ".csv":
            yield _Text(place, utf8(archive.read(name), place))
        elif nested:
            raise DataError(f"{place}: a zip in a zip in a zip is not read; unpack it")
        else:
            with open_zip(io.BytesIO(archive.read(name)), place) as inner:
                yield from _members(inner, nested=True)


def _rides(text: _Text, zone: str | None) -> pd.DataFrame:
    """COLUMNS, parsed, and `ride`, by which a ride is known again."""
    names = {name.lower().replace(" ", ""): name for name in _distinct_names(text)}
    layout = _layout(names, text.where)
    wanted = [names[name] for name in layout]
    known = names.get(IDENTITY)
    raw = parse_csv(
        text.content, text.where, dtype=str, usecols=[*wanted, known] if known else None
    )
    if raw.empty:
        raise DataError(f"{text.where}: no rides, the file is empty below its header")
    columns = raw[wanted].set_axis(COLUMNS, axis=1)
    rides = pd.DataFrame(_times(columns[["start", "end"]], layout is OLD, zone, text))
    for name in COLUMNS[2:]:
        rides[name] = _degrees(columns[name], text)
    return rides.assign(ride=_identity(raw, known, text))


def _distinct_names(text: _Text) -> list[str]:
    names = column_names(text.content, text.where)
    demand_one_of_each((name.lower().replace(" ", "") for name in names), text.where)
    return names


def _layout(names: dict[str, str], where: str) -> tuple[str, ...]:
    layout = next((names_ for names_ in LAYOUTS if names_[0] in names), None)
    if layout is None:
        raise DataError(
            f"{where}: no start time, neither {' nor '.join(x[0] for x in LAYOUTS)}"
        )
    if missing := [name for name in layout if name not in names]:
        raise DataError(f"{where}: columns {missing} are missing")
    return layout


def _identity(raw: pd.DataFrame, known: str | None, text: _Text) -> pd.Series:
    """The ride's id where the table has one, else a hash of its whole row."""
    if known is None:
        return pd.util.hash_pandas_object(raw, index=False)
    text.refuse(raw[known].isna(), raw[known])
    return raw[known]


def _degrees(column: pd.Series, text: _Text) -> pd.Series:
    """Degrees on the globe; blanks are NaN."""
    degrees = pd.to_numeric(column, errors="coerce")
    bound = BOUNDS[column.name[-3:]]
    text.refuse(
        column.notna() & ~(degrees.abs() <= bound), column, f", not -{bound} to {bound}"
    )
    return degrees


def _times(stamps: pd.DataFrame, old: bool, zone: str | None, text: _Text) -> dict:
    """Wall-clock times in the one format that the first start has; blanks are errors."""
    first = str(stamps["start"][0])
    if old and re.match(r"\d{1,2}/", first):
        return {name: _slashed(stamps[name], first.count(":"), text) for name in stamps}
    return {name: _iso(stamps[name], zone, text) for name in stamps}


def _slashed(column: pd.Series, colons: int, text: _Text) -> pd.Series:
    form = SLASHED.get(colons, SLASHED[2])
    times = pd.to_datetime(column, format=form, errors="coerce")
    text.refuse(times.isna(), column, f", not {form} as the file begins")
    return times


def _iso(column: pd.Series, zone: str | None, text: _Text) -> pd.Series:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of mixed offsets, which `_local` reads
        times = pd.to_datetime(column, format="ISO8601", errors="coerce")
    if times.dtype != "datetime64[ns]":
        times = _local(column, zone, text)
    text.refuse(times.isna() | _cut(column, times), column, ", not a date and time in ISO 8601")
    return times


def _cut(column: pd.Series, times: pd.Series) -> pd.Series:
    """Where a stamp has no minutes, which would be read as the full hour."""
    full = times.astype(np.int64) % HOUR == 0
    return (column[full].str.len() < SHORTEST).reindex(column.index, fill_value=False)


def _local(column: pd.Series, zone: str | None, text: _Text) -> pd.Series:
    """Time stamps with an offset from UTC as the wall clock of `zone`."""
    offset = column.str.contains(OFFSET, na=False)
    if zone is None:
        text.refuse(offset, column, ", with an offset from UTC: name the zone of the city")
    text.refuse(~offset, column, ", without an offset from UTC, unlike others of its column")
    times = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    with named(f"zone {zone!r}", "not a time zone"):
        return times.dt.tz_convert(zone).dt.tz_localize(None)


def _once(places: tuple[str, ...], tables: tuple[pd.DataFrame, ...]) -> pd.DataFrame:
    """All rides, each once; DataError when two different rides have one id."""
    rides = pd.concat(tables, keys=range(len(tables)))
    double = rides.duplicated("ride")
    if count := int(double.sum()):
        _demand_alike(rides, double, places)
        warnings.warn(f"{count} of {len(rides)} rides came before and count once", stacklevel=3)
    kept = rides.loc[~double, list(COLUMNS)].reset_index(drop=True)
    kept.attrs["rides_double"] = count
    return kept


def _demand_alike(rides: pd.DataFrame, double: pd.Series, places: tuple[str, ...]) -> None:
    other = double & ~rides.duplicated(["ride", *COLUMNS])
    if other.any():
        table, row = rides.index[int(np.argmax(other))]
        ride = rides["ride"].iloc[int(np.argmax(other))]
        first, at = rides.index[int(np.argmax(rides["ride"] == ride))]
        raise DataError(f"{places[table]}: row {row}: ride {ride!r} is another one than in "
                        f"{places[first]}: row {at}")  # fmt: skip
