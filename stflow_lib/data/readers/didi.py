"""DiDi orders of Chengdu and Xi'an in autumn 2016, by the hour in 16 x 16 cells."""

import tarfile
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import demand_size, named, need_file
from stflow_lib.data.files.read import read_npz, real_numbers
from stflow_lib.data.files.restricted_pickle import loads_arrays
from stflow_lib.data.schema import Box, grid_city

START, HOURS, SIDE = "2016-10-01", 1440, 16
BOXES = {
    "chengdu": Box(30.65580427, 30.72775, 104.04214, 104.1258363),
    "xian": Box(34.20829427, 34.28024, 108.91118, 108.9982505),
}


def read_didi(folder: Path, city: str):
    """Hourly pick-ups of 60 days from 2016-10-01, "chengdu" or "xian"; no drop-offs, no POI.

    From the compact array, else from UCTB's archive, a tar that holds one pickle. Row 0 of the
    source is the southern edge, so rows are turned. The first week is a national holiday.
    """
    counts, path = _counts(folder / "didi-2016", city)
    if counts.shape != (HOURS, SIDE, SIDE):
        raise DataError(f"{path}: orders have shape {counts.shape}, not {(HOURS, SIDE, SIDE)}")
    flow = exact(counts, np.float32, f"{path}: orders")[:, None, ::-1]
    time = pd.date_range(START, periods=HOURS, freq="h")
    return grid_city(flow, time, ["pickup"], **BOXES[city].attrs())


def _counts(folder: Path, city: str) -> tuple[np.ndarray, Path]:
    """Orders [T, row, col], row 0 in the south, and the file they are from."""
    path = folder / f"{city}.npz"
    if path.exists():
        return real_numbers(
            read_npz(path, ["pickups"])["pickups"], (3,), f"{path}: pickups"
        ), path
    path = folder / "raw" / f"DiDi_{city.title()}.tar.gz"
    with named(need_file(path)):
        grid = loads_arrays(_only_member(path))["Grid"]["TrafficGrid"]
        return real_numbers(np.asarray(grid), (3,), f"{path}: TrafficGrid"), path


def _only_member(path: Path) -> bytes:
    """The pickle in the archive; nothing is unpacked to disk."""
    with tarfile.open(path, "r:gz") as archive:
        held = [one for one in archive if one.isfile() and one.name.endswith(".pkl")]
        if len(held) != 1:
            raise DataError(f"{path}: {len(held)} pickles in it, not one")
        demand_size(held[0].size, path)
        return archive.extractfile(held[0]).read()
