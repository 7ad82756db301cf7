"""GPS fixes -> flow maps: entries into cells, pick-ups and drop-offs.

A **segment** joins two neighbouring fixes of one taxi that are at most `max_gap_s` apart in
time and less than `max_kmh` in speed. The taxi is taken to drive it straight and evenly. An
**entry** is a change of cell along a segment: it is counted in the cell entered, in the step in
which the border is crossed; through a corner, straight into the diagonal neighbour. Entries of
a coarse map are by definition the block sums of the fine map's, so crossings inside a block
count too.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import line_of, parse_csv, utf8
from stflow_lib.data.files.open import read_bytes
from stflow_lib.data.files.read import need_file, read_table
from stflow_lib.data.rasterize import segments
from stflow_lib.data.rasterize.cells import (
    box_city,
    box_e5,
    cell_index,
    count_points,
    degrees_e5,
    demand_cells,
    none_in_box,
)
from stflow_lib.data.readers.your_fixes import Dropped, fix_columns
from stflow_lib.data.schema import Box
from stflow_lib.data.time_axis import MONTH, stray_day, time_axis_from_utc

COLUMNS = ("taxi", "time", "lat", "lon", "occupied")
DTYPES = (np.int32, np.int64, np.int32, np.int32, np.bool_)
UNITS = ("a number", "unix seconds", "degrees times 1e5", "degrees times 1e5", "true or false")


@dataclass(frozen=True)
class Fixes:
    """N position reports, sorted by taxi and then time; checked when made.

    taxi [N] int32; time [N] int64, unix seconds UTC; lat, lon [N] int32, degrees times 1e5;
    occupied [N] bool. Other types are taken where they hold the same values. DataError names
    `source` and the column and index of a value that does not fit, or the taxi and the index of
    the first fix that is out of order, doubled in time, off the globe or not of 1970 to 2100.
    """

    taxi: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    occupied: np.ndarray
    source: str = "fixes"
    dropped: Dropped | None = None  # rows of a table that are no fixes, see `from_frame`

    def __post_init__(self):
        """Columns in their types; DataError for the first rule that is broken."""
        for name, dtype, unit in zip(COLUMNS, DTYPES, UNITS, strict=True):
            array = exact(getattr(self, name), dtype, f"{self.source}: {name} ({unit})")
            object.__setattr__(self, name, np.ascontiguousarray(array))
            if array.shape != (self.taxi.size,):
                raise DataError(f"{self.source}: {name} has shape {array.shape}, taxi has "
                                f"{self.taxi.size} fixes")  # fmt: skip
        at, rule = segments.first_fault(self.taxi, self.time, self.lat, self.lon)
        if rule:
            place = f"fix {at} of taxi {self.taxi[at]}: {self._fix(at)}"
            raise DataError(f"{self.source}: {segments.RULES[rule]}, broken at {place}")

    def __len__(self):
        """How many fixes there are."""
        return len(self.taxi)

    @classmethod
    def from_frame(
        cls, table: pd.DataFrame, taxi: str, time: str, lat: str, lon: str,
        occupied: str | None = None, zone: str | None = None,
    ) -> "Fixes":  # fmt: skip
        """Fixes of a table in any order; `dropped` and one printed line count what was left out.

        taxi, time, lat, lon, occupied: the names of its columns. Taxis of any name are numbered
        in sorted order. time: unix seconds or milliseconds, stamps with an offset, or wall clock
        of `zone`. Without `occupied` no taxi ever has a passenger. DataError names a missing
        column, and wall-clock times without a zone.
        """
        columns, dropped = fix_columns(table, taxi, time, lat, lon, occupied, zone)
        return cls(*columns, dropped=dropped)

    def where(self, mask: np.ndarray) -> "Fixes":
        """The fixes where the mask [N] is true; how to leave some out."""
        return Fixes(*(getattr(self, name)[mask] for name in COLUMNS), source=self.source)

    def _fix(self, at) -> str:
        lat, lon = self.lat[at] / 1e5, self.lon[at] / 1e5
        return f"time {self.time[at]}, lat {lat:.5f}, lon {lon:.5f}"


def read_fixes(path) -> Fixes:
    """Fixes of a parquet file (columns COLUMNS) or of a folder of raw text files.

    A raw file is one taxi's, `lat lon occupied unix_time` a line, in either order of time;
    taxis are numbered by the sorted file names. DataError names file and column, line or fix.
    """
    path = need_file(path)
    return _read_folder(path) if path.is_dir() else _read_parquet(path)


def _read_parquet(path) -> Fixes:
    table = read_table(path, COLUMNS)
    gaps = [name for name in COLUMNS if table[name].hasnans]
    if gaps:
        raise DataError(f"{path.name}: missing values in columns {gaps}")
    return Fixes(*(table[name].to_numpy() for name in COLUMNS), source=path.name)


def _read_folder(folder) -> Fixes:
    files = sorted(folder.glob("new_*.txt"))
    if not files:
        raise DataError(f"{folder.name}: no file new_*.txt in the folder")
    parts = [_read_raw(file, number) for number, file in enumerate(files)]
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS)
    return Fixes(*joined, source=folder.name)


def _read_raw(file, number) -> Fixes:
    """The fixes of one raw file, oldest first."""
    content = utf8(read_bytes(file), file)
    lines = parse_csv(content, file, header=None, sep=" ")
    numbers = lines.apply(pd.to_numeric, errors="coerce")
    bad = ~_plausible(numbers)
    if bad.any():
        line = line_of(content, int(np.argmax(bad)), file, " ", header=False)
        raise DataError(f"{file}: line {line} is not `lat lon occupied unix_time`")
    lat, lon, busy, time = numbers.sort_values(3, kind="stable").to_numpy(np.float64).T
    taxi = np.full(len(lat), number)
    return Fixes(taxi, time, degrees_e5(lat), degrees_e5(lon), busy, source=file.name)


def _plausible(lines: pd.DataFrame) -> np.ndarray:
    """Whether each line [N] has four numbers that a fix may have."""
    if lines.shape[1] != 4:
        return np.zeros(max(len(lines), 1), bool)
    lat, lon, busy, time = lines.to_numpy(np.float64).T
    on_globe = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
    return on_globe & np.isin(busy, (0, 1)) & (time >= 0) & (time == np.rint(time))


def entry_counts(
    fixes: Fixes,
    box: Box,
    rows: int,
    cols: int,
    step_minutes: int,
    zone: str,
    max_gap_s: int = 180,
    max_kmh: float = 130,
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Entries per step and cell: (local time of `zone` [T], counts [T, rows, cols] int32).

    The T steps run from the first fix to the last, empty ones included; no fixes give T = 0.
    Row 0 is the north. A fix on a border belongs to the cell north or east of it. DataError for
    fixes that cannot touch the box and for a stray fix; a warning where most pairs of fixes are
    left out (see `entries_left_out`) or none enters a cell.
    """
    left_out = entries_left_out(fixes, box, max_gap_s, max_kmh)
    start, time = _axis(fixes, box, rows, cols, step_minutes, zone)
    counts = np.zeros((len(time), rows, cols), np.int32)
    segments.count_entries(
        fixes.taxi, fixes.time, fixes.lat, fixes.lon, box_e5(box),
        start, int(60 * step_minutes), max_gap_s, float(max_kmh), counts,
    )  # fmt: skip
    pairs = left_out["pairs"]
    lost = sum(left_out[f"pairs_{fate}"] for fate in segments.FATES[1:])
    if len(fixes) and (2 * lost > pairs or not counts.any()):
        warnings.warn(f"{fixes.source}: {pairs - lost} of {pairs} pairs of fixes are walked, "
                      f"{counts.sum()} cells entered: {left_out}", stacklevel=2)  # fmt: skip
    return time, counts


def entries_left_out(
    fixes: Fixes, box: Box, max_gap_s: int = 180, max_kmh: float = 130
) -> dict[str, int]:
    """What `entry_counts` makes of the pairs of neighbouring fixes of one taxi.

    `pairs` in all; left out, each by the first rule that applies: `pairs_gap`, longer apart than
    max_gap_s; `pairs_outside`, beside the box; `pairs_fast`, at max_kmh or more. `taxis_single`
    are taxis with one fix only.
    """
    if not (max_gap_s > 0 and max_kmh > 0):
        raise DataError(f"max_gap_s={max_gap_s}, max_kmh={max_kmh}: both must be positive")
    counts = segments.tally(
        fixes.taxi, fixes.time, fixes.lat, fixes.lon, box_e5(box), max_gap_s, float(max_kmh)
    )
    lost = {f"pairs_{fate}": int(n) for fate, n in zip(segments.FATES, counts, strict=True)}
    del lost["pairs_walked"]
    single = int((np.unique(fixes.taxi, return_counts=True)[1] == 1).sum())
    return {"pairs": int(counts.sum()), **lost, "taxis_single": single}


def _axis(fixes, box, rows, cols, step_minutes, zone):
    """Start of step 0 and local steps; DataError for fixes of another place or time."""
    demand_cells(rows, cols)
    if not len(fixes):
        return 0, pd.DatetimeIndex([])
    south, west, height, width = box_e5(box)
    in_rows = fixes.lat.max() >= south and fixes.lat.min() < south + height
    if not (in_rows and fixes.lon.max() >= west and fixes.lon.min() < west + width):
        raise none_in_box(fixes.source, fixes.lat, fixes.lon, box)
    if (at := stray_day(fixes.time // 86_400)) is not None:
        raise DataError(f"{fixes.source}: a stray fix, more than {MONTH} days from most others: "
                        f"fix {at} of taxi {fixes.taxi[at]}, {fixes._fix(at)}; leave it out "
                        "with Fixes.where")  # fmt: skip
    _demand_room(fixes, rows, cols)
    return time_axis_from_utc(fixes.time.min(), fixes.time.max(), step_minutes, zone)


def _demand_room(fixes, rows, cols):
    """The walk multiplies a width by a height in cells: the product must fit 64 bits."""
    width, height = int(np.ptp(fixes.lon)) * cols, int(np.ptp(fixes.lat)) * rows
    if (width + 1) * (height + 1) >= 2**62:
        raise DataError(f"{fixes.source}: fixes spread too wide for {rows} x {cols} cells")


def pickups_dropoffs(
    fixes: Fixes, box: Box, rows: int, cols: int, step_minutes: int, zone: str
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Pick-ups and drop-offs: (local time of `zone` [T], counts [T, 2, rows, cols] int32).

    A pick-up is a fix with a passenger whose forerunner of the same taxi has none, a drop-off
    the reverse; both are counted at the place and time of that later fix, however long the gap.
    DataError as in `entry_counts`; a warning where most are outside the box or there are none.
    """
    start, time = _axis(fixes, box, rows, cols, step_minutes, zone)
    counts = np.empty((len(time), 2, rows, cols), np.int32)
    for direction, at in enumerate(changes(fixes)):
        step = (fixes.time[at] - start) // int(60 * step_minutes)
        cell = cell_index(fixes.lat[at], fixes.lon[at], box, rows, cols)
        counts[:, direction] = count_points(step, cell, len(time), rows, cols)
    left_out = rides_left_out(fixes, counts)
    if len(fixes) and counts.sum() <= sum(left_out.values()):
        warnings.warn(f"{fixes.source}: {counts.sum()} pick-ups and drop-offs in the box, "
                      f"others left out: {left_out}", stacklevel=2)  # fmt: skip
    return time, counts


def rides_left_out(fixes: Fixes, counts: np.ndarray) -> dict[str, int]:
    """Ends of rides outside the box: `pickups_outside`, `dropoffs_outside`.

    counts [T, 2, rows, cols]: what `pickups_dropoffs` made of the fixes.
    """
    names = ("pickups_outside", "dropoffs_outside")
    inside = counts.sum((0, 2, 3))
    return {name: len(at) - int(n)
            for name, at, n in zip(names, changes(fixes), inside, strict=True)}  # fmt: skip


def changes(fixes: Fixes) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the fixes at which a passenger has got in, and at which one has got out."""
    same = fixes.taxi[1:] == fixes.taxi[:-1]
    before, after = fixes.occupied[:-1], fixes.occupied[1:]
    return (np.flatnonzero(same & ~before & after) + 1,
            np.flatnonzero(same & before & ~after) + 1)  # fmt: skip


def entry_flow_city(
    fixes: Fixes, box: Box, rows: int, cols: int, step_minutes: int, zone: str,
    max_gap_s: int = 180, max_kmh: float = 130, **attrs,
) -> xr.Dataset:  # fmt: skip
    """Checked grid city of entries, direction "entries"; attrs: name, source, licence, ...

    Its attributes count what is left out, see `entries_left_out`.
    """
    time, counts = entry_counts(fixes, box, rows, cols, step_minutes, zone, max_gap_s, max_kmh)
    return box_city(
        counts[:, None], time, ["entries"], box, step_minutes=step_minutes, zone=zone,
        unit="entries per step", max_gap_s=max_gap_s, max_kmh=max_kmh,
        **entries_left_out(fixes, box, max_gap_s, max_kmh), **attrs,
    )  # fmt: skip


def trips_city(
    fixes: Fixes, box: Box, rows: int, cols: int, step_minutes: int, zone: str, **attrs
) -> xr.Dataset:
    """Checked grid city of "pickup" and "dropoff"; attrs: name, source, licence, ...

    Its attributes count what is left out, see `rides_left_out`.
    """
    time, counts = pickups_dropoffs(fixes, box, rows, cols, step_minutes, zone)
    return box_city(
        counts, time, ["pickup", "dropoff"], box, step_minutes=step_minutes, zone=zone,
        unit="passengers' rides per step", **rides_left_out(fixes, counts), **attrs,
    )  # fmt: skip
