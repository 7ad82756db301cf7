"""Points into grid cells: the one rule by which fixes, trip ends and places find their cell.

Degrees are read to 1e-5 (about a metre, the resolution of a GPS fix) and compared as integers,
so a point on a border always falls the same way: a cell owns its southern and western borders.
"""

import numpy as np
import xarray as xr

from stflow_lib.data import schema
from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import METRES_PER_DEGREE, Box


def degrees_e5(degrees) -> np.ndarray:
    """Degrees, any shape -> int64 in units of 1e-5 degrees; DataError for one not finite."""
    return exact(np.rint(exact(degrees, np.float64, "degrees") * 1e5), np.int64, "1e-5 degrees")


def points_e5(lat, lon, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Places [N] in degrees -> (lat, lon) in 1e-5 degrees, each [N] int64.

    DataError names `what` and the row of the first place that is missing or off the globe.
    """
    lat, lon = (exact(axis, np.float64, what) for axis in (lat, lon))
    wrong = np.flatnonzero(~((np.abs(lat) <= 90) & (np.abs(lon) <= 180)))
    if wrong.size:
        at = wrong[0]
        raise DataError(f"{what}: no coordinates in row {at} that lie on the globe: "
                        f"lat {lat[at]:g}, lon {lon[at]:g}")  # fmt: skip
    return degrees_e5(lat), degrees_e5(lon)


def box_e5(box: Box) -> tuple[int, int, int, int]:
    """(south, west, height, width) of the box in units of 1e-5 degrees."""
    south, north, west, east = map(int, degrees_e5([*box.attrs().values()]))
    if south >= north or west >= east:
        raise DataError(f"{box}: smaller than 1e-5 degrees")
    return south, west, north - south, east - west


def demand_cells(rows: int, cols: int):
    """DataError unless a grid of rows x cols has a cell and no parts of cells."""
    if not all(isinstance(side, int | np.integer) and side > 0 for side in (rows, cols)):
        raise DataError(f"a grid of {rows} x {cols} cells is empty or not whole")


def cell_index(lat_e5, lon_e5, box: Box, rows: int, cols: int) -> np.ndarray:
    """Flat cell row * cols + col of each point [N], row 0 in the north; -1 outside the box.

    lat_e5, lon_e5: whole numbers of 1e-5 degrees; DataError for fractions or an empty grid.
    """
    demand_cells(rows, cols)
    south, west, height, width = box_e5(box)
    row = (
        rows
        - 1
        - (exact(lat_e5, np.int64, "latitude in 1e-5 degrees") - south) * rows // height
    )
    col = (exact(lon_e5, np.int64, "longitude in 1e-5 degrees") - west) * cols // width
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    return np.where(inside, row * cols + col, -1)


def count_points(step, cell, steps: int, rows: int, cols: int) -> np.ndarray:
    """How many points fall in each step and cell: step, cell [N] -> int32 [T, rows, cols].

    Points with cell -1 or a step outside 0..T-1 are left out. DataError for a cell beyond the
    grid or a count beyond int32.
    """
    if np.size(cell) and np.max(cell) >= rows * cols:
        raise DataError(f"cell {np.max(cell)} is none of {rows} x {cols} cells")
    keep = (cell >= 0) & (step >= 0) & (step < steps)
    flat = step[keep] * (rows * cols) + cell[keep]
    counts = np.bincount(flat, minlength=steps * rows * cols)
    return exact(counts, np.int32, "points in a cell").reshape(steps, rows, cols)


def none_in_box(what: str, lat_e5, lon_e5, box: Box) -> DataError:
    """The error for points [N] of which none is counted; it says where they lie."""
    text = f"{what}: none of {len(lat_e5)} places is counted in {box}"
    if len(lat_e5):
        south, north, west, east = (
            bound(axis) / 1e5 for axis in (lat_e5, lon_e5) for bound in (np.min, np.max)
        )
        text += f"; they lie in latitude {south:g}..{north:g}, longitude {west:g}..{east:g}"
    return DataError(text)


def cell_metres(box: Box, rows: int, cols: int) -> float:
    """Side in metres of the square that has the area of a cell in the middle of the box."""
    middle = np.deg2rad((box.lat_min + box.lat_max) / 2)
    height = (box.lat_max - box.lat_min) / rows * METRES_PER_DEGREE
    width = (box.lon_max - box.lon_min) / cols * METRES_PER_DEGREE * np.cos(middle)
    return round(float(np.sqrt(height * width)), 1)


def box_city(counts, time, directions, box: Box, *, poi=None, **attrs) -> xr.Dataset:
    """Checked grid city from counts [T, D, R, C] over a box, with its cell size and edges.

    poi: DataArray (category, row, col) on the same grid, joined when given; attrs: those of the
    contract (name, step_minutes, zone, unit, source, licence) and any further ones.
    """
    city = schema.grid_city(counts, time, directions, **box.attrs(), **attrs)
    if poi is not None:
        city = city.assign(poi=poi)
    return schema.with_content_hash(city, cell_m=cell_metres(box, *counts.shape[-2:]))
