"""People's tables of speeds: one column a sensor, one row a reading, or PeMS station text."""

import gzip
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import (
    column_names,
    demand_numbers,
    line_of,
    parse_csv,
    records,
    utf8,
)
from stflow_lib.data.files.open import read_bytes

ROLES = {  # what a long table calls its columns, in lower case
    "time": ("time", "timestamp", "datetime", "date_time", "measured_at", "date"),
    "sensor": ("sensor", "sensor_id", "station", "station_id", "detector", "segment", "vds_id",
               "id"),
    "speed": ("speed", "speed_mph", "speed_kmh", "avg_speed", "mean_speed", "velocity"),
}  # fmt: skip
PEMS = {"time": 0, "sensor": 1, "speed": 11}  # places in a row of a station's text
PEMS_STAMP = re.compile(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d")
OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
LAYOUTS = (
    "wanted: the first column time stamps and each other one a sensor's speeds (wide); or columns "
    "time, sensor and speed (long), other names given as columns={'time': ..., 'sensor': ..., "
    "'speed': ...}; or PeMS station text, which has no header"
)


def read_speeds(
    path: Path | str, zone: str, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, int]:
    """(speeds: a row for each stamp of the file, a column for each sensor; rows that came twice).

    Stamps are local, those with an offset are brought to `zone`; readings of one sensor at one
    stamp are averaged. Separators are commas, semicolons or tabs; behind semicolons numbers may
    have decimal commas; .gz is unpacked. DataError names the file, the line and the column.
    """
    path = Path(path)
    content = read_bytes(path)
    content = utf8(gzip.decompress(content) if path.suffix == ".gz" else content, str(path))
    sep = separator(content)
    if _is_pems(content, path):
        return _long(_Table(path, content, ",", None), PEMS, zone)
    names = column_names(content, str(path), sep)
    roles = _roles(names, columns or {}, path)
    table = _Table(path, content, sep, 0)
    return _long(table, roles, zone) if roles else _wide(table, zone)


def separator(content: bytes) -> str:
    """The most frequent of comma, semicolon and tab in the first line."""
    first = bytes(content[:100_000]).lstrip(b"\r\n").split(b"\n", 1)[0]
    return max(",;\t", key=lambda sep: first.count(sep.encode()))


class _Table:
    """A table whose errors know their line."""

    def __init__(self, path: Path, content: bytes, sep: str, header: int | None):
        self.path, self.content, self.sep, self.header = path, content, sep, header
        decimal = "," if sep == ";" and re.search(rb"\d,\d", content[:100_000]) else "."
        self.frame = parse_csv(content, str(path), header, sep, decimal=decimal)
        if self.frame.empty:
            raise DataError(f"{path}: empty file, no rows")

    def line(self, row: int) -> str:
        """The place of a row, in words."""
        at = line_of(self.content, row, str(self.path), self.sep, self.header is not None)
        return f"line {at}"

    def numbers(self, names: Iterable) -> pd.DataFrame:
        """Columns of numbers; DataError for the first text."""
        names = list(names)
        demand_numbers(self.frame, names, str(self.path), self.line)
        return self.frame[names].astype(np.float64)

    def time(self, name, zone: str) -> pd.DatetimeIndex:
        """Local stamps of a column; DataError for the first that is none."""
        texts = self.frame[name].astype(str)
        utc = bool(OFFSET.search(texts.iloc[0].strip())) and ":" in texts.iloc[0]
        found = pd.to_datetime(texts, errors="coerce", utc=utc, format=_format(texts.iloc[0]))
        if pd.isna(found.iloc[0]):
            raise DataError(f"{self.path}: column {name!r}: {texts.iloc[0]!r} is no time; "
                            f"{LAYOUTS}")  # fmt: skip
        if found.isna().any():
            row = int(np.argmax(found.isna()))
            raise DataError(f"{self.path}: {self.line(row)}, column {name!r}: {texts.iloc[row]!r} "
                            f"is no time like {texts.iloc[0]!r} of the first row")  # fmt: skip
        index = pd.DatetimeIndex(found)
        return index.tz_convert(zone).tz_localize(None) if utc else index


def _format(first: str) -> str | None:
    return "ISO8601" if re.match(r"\d{4}-\d\d-\d\d", first) else None


def _is_pems(content: bytes, path: Path) -> bool:
    _, fields = next(records(content, str(path)), (0, []))
    return len(fields) > PEMS["speed"] and bool(PEMS_STAMP.fullmatch(fields[0]))


def _roles(names: list[str], columns: Mapping[str, str], path: Path) -> dict[str, str]:
    """Role -> column of a long table; none for a wide one."""
    unknown = sorted(set(columns) - set(ROLES)) or sorted(set(columns.values()) - set(names))
    if unknown:
        raise DataError(f"{path}: no column {unknown[0]!r} among {', '.join(names)}; {LAYOUTS}")
    lower = {name.strip().lower(): name for name in names}
    known = {r: next((lower[a] for a in all_ if a in lower), "") for r, all_ in ROLES.items()}
    roles = {**known, **columns}
    missing = [role for role, name in roles.items() if not name]
    if not missing:
        return roles
    if columns or (roles["sensor"] and roles["time"]):
        raise DataError(f"{path}: no column for {missing[0]!r} among {', '.join(names)}; "
                        f"{LAYOUTS}")  # fmt: skip
    return {}


def _long(table: _Table, roles: Mapping, zone: str) -> tuple[pd.DataFrame, int]:
    frame = pd.DataFrame({
        "time": table.time(roles["time"], zone),
        "sensor": table.frame[roles["sensor"]].astype(str).str.strip(),
        "speed": table.numbers([roles["speed"]])[roles["speed"]].to_numpy(),
    })  # fmt: skip
    pairs = ["time", "sensor"]
    twice = int(frame.duplicated(pairs).sum())
    frame = frame.groupby(pairs, sort=False)["speed"].mean()
    return frame.unstack("sensor").sort_index(), twice


def _wide(table: _Table, zone: str) -> tuple[pd.DataFrame, int]:
    stamps, *sensors = table.frame.columns
    if not sensors:
        raise DataError(f"{table.path}: one column, {stamps!r}; {LAYOUTS}")
    speed = table.numbers(sensors).set_index(table.time(stamps, zone))
    speed.columns = [str(name).strip() for name in sensors]
    twice = int(speed.index.duplicated().sum())
    return speed.groupby(level=0).mean(), twice
