"""A grid of 4 x 6 cells, and fixes of taxis written or drawn in its units of 1e-5 degrees."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from stflow_lib.data.rasterize import gps
from stflow_lib.data.schema import Box

BOX = Box(0.0, 0.00040, 0.0, 0.00060)  # 4 x 6 cells of 10 units of 1e-5 degrees
ROWS, COLS = 4, 6
NOON = 43200  # 1970-01-01 12:00:00 UTC
SF = Box(37.708, 37.812, -122.515, -122.383)

points = st.tuples(st.integers(-15, 55), st.integers(-15, 75))
gaps = st.integers(1, 240)


def fixes(*rows):
    """Fixes from (taxi, time, lat, lon) or (..., occupied) tuples in units of 1e-5 degrees."""
    rows = [row if len(row) == 5 else (*row, False) for row in rows]
    return gps.Fixes(*np.array(rows, np.int64).reshape(-1, 5).T, source="toy")


def track(*points, gap=60):
    """One taxi through (lat, lon) points, `gap` seconds apart from noon on."""
    return fixes(*((7, NOON + gap * i, *point) for i, point in enumerate(points)))


def count(reports, box=BOX, rows=ROWS, cols=COLS, step=1, **rules):
    return gps.entry_counts(reports, box, rows, cols, step, zone="UTC", **rules)[1]


def cell(lat, lon, rows, cols, box):
    """(row from the south, col) of a point given in exact 1e-5 degrees."""
    south, north, west, east = (round(edge * 1e5) for edge in box.attrs().values())
    return (math.floor((lat - south) * rows / Fraction(north - south)),
            math.floor((lon - west) * cols / Fraction(east - west)))  # fmt: skip
