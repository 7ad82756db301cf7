"""Points into grid cells: the one rule by which fixes, trip ends and places find their cell.

Degrees are read to 1e-5 (about a metre, the resolution of a GPS fix) and compared as integers,
so a point on a border always falls the same way: a cell owns its southern and western borders.
"""

import numpy as np
import xarray as xr

from stflow_lib.data import schema
from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import Box

METRES_PER_DEGREE = 6_371_008.8 * np.pi / 180


def degrees_e5(degrees) -> np.ndarray:
    """Degrees -> int64 in units of 1e-5 degrees, any shape."""
    return np.rint(np.asarray(degrees, np.float64) * 1e5).astype(np.int64)


def box_e5(box: Box) -> tuple[int, int, int, int]:
    """(south, west, height, width) of the box in units of 1e-5 degrees."""
    south, north, west, east = map(int, degrees_e5([*box.attrs().values()]))
    if south >= north or west >= east:
        raise DataError(f"{box}: smaller than 1e-5 degrees")
    return south, west, north - south, east - west


def cell_index(lat_e5, lon_e5, box: Box, rows: int, cols: int) -> np.ndarray:
    """Flat cell row * cols + col of each point [N], row 0 in the north; -1 outside the box."""
    south, west, height, width = box_e5(box)
    row = rows - 1 - (np.asarray(lat_e5, np.int64) - south) * rows // height
    col = (np.asarray(lon_e5, np.int64) - west) * cols // width
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    return np.where(inside, row * cols + col, -1)


def count_points(step, cell, steps: int, rows: int, cols: int) -> np.ndarray:
    """How many points fall in each step and cell: step, cell [N] -> int32 [T, rows, cols].

    Points with cell -1 or a step outside 0..T-1 are left out.
    """
    keep = (cell >= 0) & (step >= 0) & (step < steps)
    flat = step[keep] * (rows * cols) + cell[keep]
    counts = np.bincount(flat, minlength=steps * rows * cols)
    return counts.astype(np.int32).reshape(steps, rows, cols)


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
