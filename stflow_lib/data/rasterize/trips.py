"""Trip tables -> grids of pick-ups and drop-offs.

Two layouts of public bike tables are read: the one in use since 2020 (Divvy, Capital Bikeshare:
`started_at`, `start_lat`, ...) and that of Citi Bike before (`starttime`, `start station
latitude`, ...). Times are wall-clock times without an offset.
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import need_file
from stflow_lib.data.rasterize.cells import box_city, cell_index, count_points, degrees_e5
from stflow_lib.data.schema import DIMS, Box
from stflow_lib.data.time_axis import time_axis_from_local

COLUMNS = ("start", "end", "start_lat", "start_lon", "end_lat", "end_lon")
LAYOUTS = (
    ("started_at", "ended_at", "start_lat", "start_lng", "end_lat", "end_lng"),
    ("starttime", "stoptime", "start station latitude", "start station longitude",
     "end station latitude", "end station longitude"),
)  # fmt: skip
DIRECTIONS = ("pickup", "dropoff")
ENDS = (("start", "pickups"), ("end", "dropoffs"))


def read_trips(paths) -> pd.DataFrame:
    """Rides of one path or several, each a CSV or a zip of CSVs, read without unpacking.

    Columns COLUMNS: start, end [datetime64, wall clock], and degrees, NaN where an end is not
    known. DataError names the file and the missing column or the line with a bad value.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    parts = [part for path in map(Path, paths) for part in _tables(need_file(path))]
    if not parts:
        raise DataError(f"{[Path(path).name for path in paths]}: no CSV file among them")
    return pd.concat(parts, ignore_index=True)


def _tables(path):
    if path.suffix != ".zip":
        with path.open("rb") as file:
            yield _read_table(file, path.name)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".csv") and not name.startswith("__MACOSX"):
                    with archive.open(name) as file:
                        yield _read_table(file, f"{path.name}/{name}")
    except zipfile.BadZipFile as error:
        raise DataError(f"{path.name}: not a whole zip file ({error})") from error


def _read_table(file, where) -> pd.DataFrame:
    """One CSV of either layout under the names COLUMNS, times and degrees parsed."""
    plain = {name.lower().replace(" ", ""): name for name in _header(file, where)}
    layouts = [[name.replace(" ", "") for name in layout] for layout in LAYOUTS]
    layout = next((names for names in layouts if names[0] in plain), None)
    if layout is None:
        starts = " nor ".join(names[0] for names in LAYOUTS)
        raise DataError(f"{where}: no start time, neither {starts}")
    missing = [name for name in layout if name not in plain]
    if missing:
        raise DataError(f"{where}: columns {missing} are missing")
    file.seek(0)
    wanted = [plain[name] for name in layout]
    table = pd.read_csv(file, usecols=wanted, dtype=str)[wanted].set_axis(COLUMNS, axis=1)
    return table.apply(lambda column: _parsed(column, where))


def _header(file, where):
    try:
        return pd.read_csv(file, nrows=0).columns
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{where}: the file is empty") from error


def _parsed(column, where):
    """Text -> times or degrees; what is there but cannot be read is an error, blanks are
    not."""
    if column.name in ("start", "end"):
        parsed = pd.to_datetime(column, format="ISO8601", errors="coerce")
        bad = parsed.isna()
    else:
        parsed = pd.to_numeric(column, errors="coerce")
        bad = parsed.isna() & column.notna()
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(f"{where}: line {at + 2}: {column.name} is {column[at]!r}")
    return parsed


def trip_grids(
    trips: pd.DataFrame, box: Box, rows: int, cols: int, step_minutes: int, zone: str
) -> xr.DataArray:
    """Pick-ups and drop-offs per step and cell: flow (time, direction, row, col) float32.

    The steps run from the first start to the last start; time is the wall clock of `zone`, and
    a span in which its clocks change is a DataError. What is left out is counted in the
    attributes: rides that end before they start (`rides_backwards`, both ends left out), ends
    of unknown place (`pickups_nowhere`, `dropoffs_nowhere`), off the box (`..._outside`) and,
    for drop-offs, after the last step (`dropoffs_late`).
    """
    _demand_rides(trips)
    time = time_axis_from_local(trips["start"].min(), trips["start"].max(), step_minutes, zone)
    forwards = trips[trips["end"] >= trips["start"]]
    attrs = {"rides": len(trips), "rides_backwards": len(trips) - len(forwards)}
    counts = np.empty((len(time), 2, rows, cols), np.float32)
    for direction, (end, kind) in enumerate(ENDS):
        step = (forwards[end] - time[0]) // pd.Timedelta(minutes=step_minutes)
        places = forwards[[f"{end}_lat", f"{end}_lon"]]
        known = places.notna().all(axis=1).to_numpy()
        cell = cell_index(*degrees_e5(places[known]).T, box, rows, cols)
        step = step.to_numpy()[known]
        counts[:, direction] = count_points(step, cell, len(time), rows, cols)
        attrs[f"{kind}_nowhere"] = int((~known).sum())
        attrs[f"{kind}_outside"] = int((cell < 0).sum())
        attrs[f"{kind}_late"] = int(((step >= len(time)) & (cell >= 0)).sum())
    coords = {"time": time, "direction": list(DIRECTIONS)}
    return xr.DataArray(counts, coords, DIMS["flow"], "flow", attrs)


def _demand_rides(trips):
    missing = [name for name in COLUMNS if name not in trips]
    if missing:
        raise DataError(f"trips: columns {missing} are missing")
    if not len(trips):
        raise DataError("trips: no rides, the table is empty")


def rides_city(
    trips: pd.DataFrame, box: Box, rows: int, cols: int, step_minutes: int, zone: str,
    poi: xr.DataArray | None = None, **attrs,
) -> xr.Dataset:  # fmt: skip
    """Checked grid city of `trip_grids`, with its left-out counts; attrs: name, source, ..."""
    flow = trip_grids(trips, box, rows, cols, step_minutes, zone)
    return box_city(
        flow.values, flow["time"].values, DIRECTIONS, box, poi=poi, step_minutes=step_minutes,
        zone=zone, unit="rides per step", **flow.attrs, **attrs,
    )  # fmt: skip
