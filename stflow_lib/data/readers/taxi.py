"""San Francisco's taxis (cabspotting): GPS fixes to maps, through the cache."""

from pathlib import Path

import numpy as np

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.cache import cached
from stflow_lib.data.files.download import manifest
from stflow_lib.data.rasterize import gps
from stflow_lib.data.rasterize.cells import cell_metres
from stflow_lib.data.schema import Box, grid_city

SF_BOX = Box(37.708, 37.812, -122.515, -122.383)
SF_GPS = "taxi-sf/gps.parquet"
SF_ZONE = "America/Los_Angeles"
RULES = {"max_gap_s": 180, "max_kmh": 130}


def read_taxi_entries(folder: Path, cells: int, step_minutes: int):
    """Entries per step into `cells` x `cells` cells of the box, local wall time.

    Attributes count what is left out, here and in `read_taxi_trips`.
    """
    rules = {"rows": cells, "cols": cells, "step_minutes": step_minutes, **RULES}
    data = _maps(folder, gps.entry_counts, rules,
                 lambda fixes, counts: gps.entries_left_out(fixes, SF_BOX, **RULES))  # fmt: skip
    return _city(data["counts"][:, None], data, ["entries"], **RULES)


def read_taxi_trips(folder: Path, cells: int, step_minutes: int):
    """Pick-ups and drop-offs per step, from the occupied flag of the fixes."""
    rules = {"rows": cells, "cols": cells, "step_minutes": step_minutes}
    data = _maps(folder, gps.pickups_dropoffs, rules, gps.rides_left_out)
    return _city(data["counts"], data, ["pickup", "dropoff"])


def _maps(folder: Path, count, rules: dict, left_out) -> dict:
    """Arrays `time` and `counts`, and a number for each reason of `left_out(fixes, counts)`."""
    compact = folder / SF_GPS
    raw = [folder / file.into for file in manifest("taxi-sf")]
    inputs = [compact] if compact.exists() else raw

    def build():
        fixes = gps.read_fixes(compact if compact.exists() else _only(raw))
        time, counts = count(fixes, SF_BOX, zone=SF_ZONE, **rules)
        numbers = {key: np.array(n) for key, n in left_out(fixes, counts).items()}
        return {"time": time.to_numpy(), "counts": counts, **numbers}

    return cached(inputs, {"count": count.__name__, "box": SF_BOX, **rules}, build)


def _only(raw: list[Path]) -> Path:
    """The folder of the raw files; DataError when it holds others of their kind."""
    folder = raw[0].parent
    if others := sorted(
        {path.name for path in folder.glob("new_*.txt")} - {p.name for p in raw}
    ):
        raise DataError(f"{folder}: {others[0]} is not in the list of the set's files")
    return folder


def _city(counts, data: dict, directions: list[str], **attrs):
    left_out = {key: int(n) for key, n in data.items() if n.ndim == 0}
    cell_m = cell_metres(SF_BOX, *counts.shape[-2:])
    return grid_city(counts, data["time"], directions, cell_m=cell_m, **SF_BOX.attrs(),
                     **left_out, **attrs)  # fmt: skip
