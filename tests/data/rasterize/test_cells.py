"""Points into cells: borders, exactly, against fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import (
    box_e5,
    cell_index,
    cell_metres,
    count_points,
    degrees_e5,
    none_in_box,
    points_e5,
)
from stflow_lib.data.schema import Box

BOX = Box(37.708, 37.812, -122.515, -122.383)
near = st.integers(-30, 30)


@given(st.integers(1, 130), st.integers(1, 130), st.data())
def test_cells_equal_exact_fractions_around_every_border(rows, cols, data):
    """A float rule puts points on borders north or south of it as rounding has it."""
    row, col = data.draw(st.integers(0, rows)), data.draw(st.integers(0, cols))
    lat = 3_770_800 + row * 10_400 // rows + data.draw(near)
    lon = -12_251_500 + col * 13_200 // cols + data.draw(near)
    up = math.floor(Fraction((lat - 3_770_800) * rows, 10_400))
    right = math.floor(Fraction((lon + 12_251_500) * cols, 13_200))
    inside = 0 <= up < rows and 0 <= right < cols
    want = (rows - 1 - up) * cols + right if inside else -1
    assert cell_index([lat], [lon], BOX, rows, cols).tolist() == [want]


def test_degrees_survive_text_and_float():
    """37.75153 is 3775152.9999 in floats: truncation would move it by a metre."""
    assert degrees_e5([37.75153, -122.39447]).tolist() == [3775153, -12239447]


def test_count_points_leaves_out_what_is_outside():
    step, cell = np.array([0, 0, 1, 2, -1, 1]), np.array([0, 0, 5, 1, 1, -1])
    counts = count_points(step, cell, 2, 2, 3)
    assert counts.dtype == np.int32 and counts.sum() == 3
    assert counts[0, 0, 0] == 2 and counts[1, 1, 2] == 1


def test_cell_size_and_a_box_below_resolution():
    assert cell_metres(BOX, 64, 64) == pytest.approx(181, abs=0.5)
    with pytest.raises(DataError, match="smaller than 1e-5 degrees"):
        box_e5(Box(37.0, 37.000001, -122.0, -121.0))


@pytest.mark.parametrize("degrees", [[41.0, np.inf], [np.nan], ["41.0"], [1e300]])
def test_degrees_that_are_none_are_refused(degrees):
    """Infinity as an integer is a place at the other end of the world."""
    with pytest.raises(DataError, match="degrees"):
        degrees_e5(degrees)


def test_points_off_the_globe_are_named_with_their_row():
    """A swapped or scaled pair is not `outside the box`: it is no place at all."""
    assert [axis.tolist() for axis in points_e5([41.5], [-87.5], "toy")] == [
        [4150000],
        [-8750000],
    ]
    for lat, lon in (
        (-122.4, 37.7),
        (3775153, -122.4),
        (41.0, 180.1),
        (np.inf, 0),
        (np.nan, 0),
    ):
        with pytest.raises(
            DataError, match=r"toy: no coordinates in row 1 that lie on the globe"
        ):
            points_e5([41.0, lat], [-87.0, lon], "toy")


def test_fractions_of_units_are_refused():
    """Degrees where 1e-5 degrees are meant would be cut to a place near 0, 0."""
    with pytest.raises(DataError, match="latitude in 1e-5 degrees: 37.751 at index 0"):
        cell_index([37.751], [-122.4], BOX, 2, 2)


@pytest.mark.parametrize(("rows", "cols"), [(0, 2), (2, -1), (2.5, 2)])
def test_a_grid_of_no_cells_or_parts_of_cells_is_refused(rows, cols):
    with pytest.raises(DataError, match="cells is empty or not whole"):
        cell_index([3_775_000], [-12_240_000], BOX, rows, cols)


def test_a_cell_beyond_the_grid_does_not_count_in_the_next_step():
    """Flat positions run on: cell 6 of 2 x 3 is the first one an hour later."""
    with pytest.raises(DataError, match="cell 6 is none of 2 x 3 cells"):
        count_points(np.array([0]), np.array([6]), 2, 2, 3)


def test_the_error_of_an_empty_map_says_where_the_points_lie():
    error = none_in_box("toy", np.array([1000, 2000]), np.array([500, 400]), BOX)
    assert "none of 2 places" in str(error) and "latitude 0.01..0.02" in str(error)
    assert "none of 0 places" in str(none_in_box("toy", [], [], BOX))
