"""Tables of bike rides, in the two layouts in which systems publish them.

The one in use since 2020 (Divvy, Capital Bikeshare: `started_at`, `start_lat`, ...) and that of
Citi Bike before (`starttime`, `start station latitude`, ...).
"""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.read import need_file
from stflow_lib.data.rasterize.trips import COLUMNS

LAYOUTS = (
    ("started_at", "ended_at", "start_lat", "start_lng", "end_lat", "end_lng"),
    ("starttime", "stoptime", "start station latitude", "start station longitude",
     "end station latitude", "end station longitude"),
)  # fmt: skip


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
