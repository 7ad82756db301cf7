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
