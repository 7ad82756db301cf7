"""GPS fixes -> flow maps: entries into cells, pick-ups and drop-offs.

A **segment** joins two neighbouring fixes of one taxi that are at most `max_gap_s` apart in
time and less than `max_kmh` in speed. The taxi is taken to drive it straight and evenly. An
**entry** is a change of cell along a segment: it is counted in the cell entered, in the step in
which the border is crossed; through a corner, straight into the diagonal neighbour. Entries of
a coarse map are by definition the block sums of the fine map's, so crossings inside a block
count too.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import need_file
from stflow_lib.data.rasterize import segments
from stflow_lib.data.rasterize.cells import (
    box_city,
    box_e5,
    cell_index,
    count_points,
    degrees_e5,
)
from stflow_lib.data.schema import Box
from stflow_lib.data.time_axis import time_axis_from_utc

COLUMNS = ("taxi", "time", "lat", "lon", "occupied")
DTYPES = (np.int32, np.int64, np.int32, np.int32, np.bool_)
ZONE = "America/Los_Angeles"


@dataclass(frozen=True)
class Fixes:
    """N position reports, sorted by taxi and then time; checked when made.

    taxi [N] int32; time [N] int64, unix seconds UTC; lat, lon [N] int32, degrees times 1e5;
    occupied [N] bool. DataError names `source`, the taxi and the index of the first fix that is
    out of order, doubled in time or off the globe.
    """

    taxi: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    occupied: np.ndarray
    source: str = "fixes"

    def __post_init__(self):
        """Columns in their types; DataError for the first rule that is broken."""
        for name, dtype in zip(COLUMNS, DTYPES, strict=True):
            array = np.ascontiguousarray(getattr(self, name), dtype)
            if array.shape != (len(self.taxi),):
                raise DataError(f"{self.source}: {name} has shape {array.shape}, taxi has "
                                f"{len(self.taxi)} fixes")  # fmt: skip
            object.__setattr__(self, name, array)
        at, rule = segments.first_fault(self.taxi, self.time, self.lat, self.lon)
        if rule:
            place = f"fix {at} of taxi {self.taxi[at]}: {self._fix(at)}"
            raise DataError(f"{self.source}: {segments.RULES[rule]}, broken at {place}")

    def __len__(self):
        """How many fixes there are."""
        return len(self.taxi)

    def where(self, mask: np.ndarray) -> "Fixes":
        """The fixes where the mask [N] is true."""
        return Fixes(*(getattr(self, name)[mask] for name in COLUMNS), source=self.source)

    def _fix(self, at) -> str:
        lat, lon = self.lat[at] / 1e5, self.lon[at] / 1e5
        return f"time {self.time[at]}, lat {lat:.5f}, lon {lon:.5f}"


def read_fixes(path) -> Fixes:
    """Fixes of a parquet file (columns COLUMNS) or of a folder of raw text files.

    A raw file is one taxi's, `lat lon occupied unix_time` a line, in either order of time;
    taxis are numbered by the sorted file names. DataError names file and column or line.
    """
    path = need_file(path)
    return _read_folder(path) if path.is_dir() else _read_parquet(path)


def _read_parquet(path) -> Fixes:
    try:
        names = pq.read_schema(path).names
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise DataError(f"{path.name}: columns {missing} are missing, found {names}")
        table = pq.read_table(path, columns=list(COLUMNS))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name}: not a whole parquet file ({error})") from error
    if not len(table):
        raise DataError(f"{path.name}: no fixes, the file is empty")
    gaps = [name for name in COLUMNS if table[name].null_count]
    if gaps:
        raise DataError(f"{path.name}: missing values in columns {gaps}")
    return Fixes(*(table[name].to_numpy() for name in COLUMNS), source=path.name)


def _read_folder(folder) -> Fixes:
    files = sorted(folder.glob("new_*.txt"))
    if not files:
        raise DataError(f"{folder.name}: no file new_*.txt in the folder")
    parts = [_read_raw(file, number) for number, file in enumerate(files)]
    joined = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Fixes(*joined, source=folder.name)


def _read_raw(file, number) -> tuple:
    """(taxi, time, lat, lon, occupied) of one raw file, oldest fix first."""
    names = ["lat", "lon", "occupied", "time"]
    try:
        lines = pd.read_csv(file, sep=" ", header=None, names=names, index_col=False)
    except pd.errors.ParserError as error:
        raise DataError(f"{file.name}: {error}") from error
    if lines.empty:
        raise DataError(f"{file.name}: no fixes, the file is empty")
    numbers = lines.apply(pd.to_numeric, errors="coerce")
    bad = np.flatnonzero(numbers.isna().any(axis=1) | ~numbers["occupied"].isin([0, 1]))
    if bad.size:
        raise DataError(f"{file.name}: line {bad[0] + 1} is not `lat lon occupied unix_time`")
    numbers = numbers.sort_values("time", kind="stable")
    lat, lon = (degrees_e5(numbers[name]) for name in ("lat", "lon"))
    return np.full(len(lat), number), numbers["time"], lat, lon, numbers["occupied"] == 1


def entry_counts(
    fixes: Fixes,
    box: Box,
    rows: int,
    cols: int,
    step_minutes: int,
    max_gap_s: int = 180,
    max_kmh: float = 130,
    zone: str = ZONE,
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Entries per step and cell: (local time [T], counts [T, rows, cols] int32).

    The T steps run from the first fix to the last, empty ones included; no fixes give T = 0.
    Row 0 is the north. A fix on a border belongs to the cell north or east of it.
    """
    _demand_cells(rows, cols)
    if not len(fixes):
        return pd.DatetimeIndex([]), np.zeros((0, rows, cols), np.int32)
    start, time = time_axis_from_utc(fixes.time.min(), fixes.time.max(), step_minutes, zone)
    _demand_room(fixes, rows, cols)
    counts = np.zeros((len(time), rows, cols), np.int32)
    segments.count_entries(
        fixes.taxi, fixes.time, fixes.lat, fixes.lon, box_e5(box),
        start, 60 * step_minutes, max_gap_s, float(max_kmh), counts,
    )  # fmt: skip
    return time, counts


def _demand_cells(rows, cols):
    if rows < 1 or cols < 1:
        raise DataError(f"a grid of {rows} x {cols} cells is empty")


def _demand_room(fixes, rows, cols):
    """The walk multiplies a width by a height in cells: the product must fit 64 bits."""
    width, height = int(np.ptp(fixes.lon)) * cols, int(np.ptp(fixes.lat)) * rows
    if (width + 1) * (height + 1) >= 2**62:
        raise DataError(f"{fixes.source}: fixes spread too wide for {rows} x {cols} cells")


def pickups_dropoffs(
    fixes: Fixes, box: Box, rows: int, cols: int, step_minutes: int, zone: str = ZONE
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Pick-ups and drop-offs: (local time [T], counts [T, 2, rows, cols] int32).

    A pick-up is a fix with a passenger whose forerunner of the same taxi has none, a drop-off
    the reverse; both are counted at the place and time of that later fix, however long the gap.
    """
    _demand_cells(rows, cols)
    if not len(fixes):
        return pd.DatetimeIndex([]), np.zeros((0, 2, rows, cols), np.int32)
    start, time = time_axis_from_utc(fixes.time.min(), fixes.time.max(), step_minutes, zone)
    counts = np.empty((len(time), 2, rows, cols), np.int32)
    for direction, at in enumerate(changes(fixes)):
        step = (fixes.time[at] - start) // (60 * step_minutes)
        cell = cell_index(fixes.lat[at], fixes.lon[at], box, rows, cols)
        counts[:, direction] = count_points(step, cell, len(time), rows, cols)
    return time, counts


def changes(fixes: Fixes) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the fixes at which a passenger has got in, and at which one has got out."""
    same = fixes.taxi[1:] == fixes.taxi[:-1]
    before, after = fixes.occupied[:-1], fixes.occupied[1:]
    return (np.flatnonzero(same & ~before & after) + 1,
            np.flatnonzero(same & before & ~after) + 1)  # fmt: skip


def entry_flow_city(
    fixes: Fixes, box: Box, rows: int, cols: int, step_minutes: int,
    max_gap_s: int = 180, max_kmh: float = 130, zone: str = ZONE, **attrs,
) -> xr.Dataset:  # fmt: skip
    """Checked grid city of entries, direction "entries"; attrs: name, source, licence, ..."""
    time, counts = entry_counts(fixes, box, rows, cols, step_minutes, max_gap_s, max_kmh, zone)
    return box_city(
        counts[:, None], time, ["entries"], box, step_minutes=step_minutes, zone=zone,
        unit="entries per step", max_gap_s=max_gap_s, max_kmh=max_kmh, **attrs,
    )  # fmt: skip


def trips_city(
    fixes: Fixes, box: Box, rows: int, cols: int, step_minutes: int, zone: str = ZONE, **attrs
) -> xr.Dataset:
    """Checked grid city of "pickup" and "dropoff"; attrs: name, source, licence, ..."""
    time, counts = pickups_dropoffs(fixes, box, rows, cols, step_minutes, zone)
    return box_city(
        counts, time, ["pickup", "dropoff"], box, step_minutes=step_minutes, zone=zone,
        unit="passengers' rides per step", **attrs,
    )  # fmt: skip
