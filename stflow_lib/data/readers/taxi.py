"""San Francisco's taxis (cabspotting): GPS fixes to maps, through the cache."""

from pathlib import Path

from stflow_lib.data.files.cache import cached
from stflow_lib.data.files.download import manifest
from stflow_lib.data.rasterize import gps
from stflow_lib.data.rasterize.cells import cell_metres
from stflow_lib.data.schema import Box, grid_city

SF_BOX = Box(37.708, 37.812, -122.515, -122.383)
SF_GPS = "taxi-sf/gps.parquet"
RULES = {"max_gap_s": 180, "max_kmh": 130}


def read_taxi_entries(folder: Path, cells: int, step_minutes: int):
    """Entries per step into `cells` x `cells` cells of the box, local wall time."""
    rules = {"rows": cells, "cols": cells, "step_minutes": step_minutes, **RULES}
    data = _maps(folder, gps.entry_counts, rules)
    return _city(data["counts"][:, None], data, ["entries"], **RULES)


def read_taxi_trips(folder: Path, cells: int, step_minutes: int):
    """Pick-ups and drop-offs per step, from the occupied flag of the fixes."""
    rules = {"rows": cells, "cols": cells, "step_minutes": step_minutes}
    data = _maps(folder, gps.pickups_dropoffs, rules)
    return _city(data["counts"], data, ["pickup", "dropoff"])


def _maps(folder: Path, count, rules: dict) -> dict:
    compact = folder / SF_GPS
    raw = [folder / file.into for file in manifest("taxi-sf")]
    inputs = [compact] if compact.exists() else raw

    def build():
        fixes = gps.read_fixes(compact if compact.exists() else raw[0].parent)
        time, counts = count(fixes, SF_BOX, zone=gps.ZONE, **rules)
        return {"time": time.to_numpy(), "counts": counts}

    return cached(inputs, {"count": count.__name__, "box": SF_BOX, **rules}, build)


def _city(counts, data: dict, directions: list[str], **attrs):
    cell_m = cell_metres(SF_BOX, *counts.shape[-2:])
    return grid_city(counts, data["time"], directions, cell_m=cell_m, **SF_BOX.attrs(), **attrs)
