"""The inner loops of `gps.py`, compiled: one pass over 11 million fixes.

Everything is integer arithmetic, so that a point on a cell border, a corner and a crossing at
the very second at which a step begins fall where the rules say and not where rounding sends
them. Positions are scaled: x = (lon - west) cols and y = (lat - south) rows in 1e-5 degrees, so
that cell k covers [k width, (k + 1) width) with the width (height) of the whole box.
"""

import math
from collections.abc import Callable

import numpy as np
from numba import njit

METRES_PER_UNIT = 6_371_008.8 * math.pi / 180 * 1e-5  # of 1e-5 degrees of latitude, mean Earth
RADIANS_PER_UNIT = math.pi / 180 * 1e-5
RULES = ("", "taxi numbers must not fall", "times of a taxi must rise strictly",
         "latitude must lie in -90..90", "longitude must lie in -180..180",
         "time must be unix seconds of 1970 to 2100")  # fmt: skip
FATES = ("walked", "gap", "outside", "fast")
END_OF_TIME = 4_102_444_800  # 2100-01-01 in unix seconds: milliseconds lie beyond it


def compiled(function: Callable) -> Callable:
    """`function` compiled; kept on disk where numba finds a folder that it may write to."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # package and home are read-only
        return njit(function)


@compiled
def first_fault(taxi, time, lat, lon):
    """Index of the first fix that breaks a rule, and that rule's index; (-1, 0) if none."""
    for i in range(taxi.size):
        if i and taxi[i] < taxi[i - 1]:
            return i, 1
        if i and taxi[i] == taxi[i - 1] and time[i] <= time[i - 1]:
            return i, 2
        if lat[i] < -9_000_000 or lat[i] > 9_000_000:
            return i, 3
        if lon[i] < -18_000_000 or lon[i] > 18_000_000:
            return i, 4
        if time[i] < 0 or time[i] >= END_OF_TIME:
            return i, 5
    return -1, 0


@compiled
def too_fast(lat0, lon0, lat1, lon1, gap_s, max_kmh):
    """Whether the straight line between two fixes takes max_kmh or more (flat Earth)."""
    north = (lat1 - lat0) * METRES_PER_UNIT
    east = (lon1 - lon0) * METRES_PER_UNIT * math.cos(0.5 * (lat0 + lat1) * RADIANS_PER_UNIT)
    return math.hypot(north, east) * 3.6 >= max_kmh * gap_s


@compiled
def fate(lat0, lon0, lat1, lon1, gap_s, box, max_gap_s, max_kmh):
    """Index in FATES of what becomes of two neighbouring fixes of one taxi.

    box = (south, west, height, width) in 1e-5 degrees; `outside` are pairs that do not touch
    both its bands of rows and of columns. The first rule that applies decides.
    """
    south, west, height, width = box
    if gap_s > max_gap_s:
        return 1
    if max(lon0, lon1) < west or max(lat0, lat1) < south:
        return 2
    if min(lon0, lon1) >= west + width or min(lat0, lat1) >= south + height:
        return 2
    return 3 if too_fast(lat0, lon0, lat1, lon1, gap_s, max_kmh) else 0


@compiled
def tally(taxi, time, lat, lon, box, max_gap_s, max_kmh):
    """How many pairs of neighbouring fixes of one taxi have each of the FATES, [4] int64."""
    counts = np.zeros(4, np.int64)
    for i in range(taxi.size - 1):
        if taxi[i + 1] == taxi[i]:
            gap_s = time[i + 1] - time[i]
            counts[fate(lat[i], lon[i], lat[i + 1], lon[i + 1], gap_s, box, max_gap_s,
                        max_kmh)] += 1  # fmt: skip
    return counts


@compiled
def walk(x0, y0, x1, y1, width, height, since, gap_s, step_s, counts):
    """Add one for every cell of counts [T, rows, cols] that the segment enters; say how many.

    From (x0, y0), `since` seconds after step 0 began, to (x1, y1) gap_s seconds later. The next
    border in x is reached at the fraction ahead_x / dx of the way, in y at ahead_y / dy; the
    smaller one is crossed first and both at once through a corner (Amanatides and Woo 1987).
    """
    rows, cols = counts.shape[1], counts.shape[2]
    col, row, last_col, last_row = x0 // width, y0 // height, x1 // width, y1 // height
    dx, dy = abs(x1 - x0), abs(y1 - y0)
    ahead_x = (col + 1) * width - x0 if x1 > x0 else x0 - col * width
    ahead_y = (row + 1) * height - y0 if y1 > y0 else y0 - row * height
    right, up = 1 if x1 > x0 else -1, 1 if y1 > y0 else -1
    step, into = since // step_s, since % step_s
    entered = 0
    while col != last_col or row != last_row:
        order = ahead_x * dy - ahead_y * dx
        across = col != last_col and (row == last_row or order <= 0)
        along = row != last_row and (col == last_col or order >= 0)
        part, whole = (ahead_x, dx) if across else (ahead_y, dy)
        if across:
            col += right
            ahead_x += width
        if along:
            row += up
            ahead_y += height
        if 0 <= col < cols and 0 <= row < rows:
            now = step
            if into + gap_s >= step_s:
                now += (into * whole + part * gap_s) // (whole * step_s)
            counts[now, rows - 1 - row, col] += 1
            entered += 1
    return entered


@compiled
def count_entries(taxi, time, lat, lon, box, start, step_s, max_gap_s, max_kmh, counts):
    """Walk every segment between neighbouring fixes of a taxi; how many cells are entered."""
    south, west, height, width = box
    rows, cols = counts.shape[1], counts.shape[2]
    entries = 0
    for i in range(taxi.size - 1):
        gap_s = time[i + 1] - time[i]
        if taxi[i + 1] != taxi[i]:
            continue
        if fate(lat[i], lon[i], lat[i + 1], lon[i + 1], gap_s, box, max_gap_s, max_kmh):
            continue
        x0, x1 = (lon[i] - west) * cols, (lon[i + 1] - west) * cols
        y0, y1 = (lat[i] - south) * rows, (lat[i + 1] - south) * rows
        entries += walk(x0, y0, x1, y1, width, height, time[i] - start, gap_s, step_s, counts)
    return entries
