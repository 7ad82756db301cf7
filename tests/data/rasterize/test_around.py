"""A box around points: their bulk, in whole cells of the side that was asked for."""

import numpy as np
import pytest

from stflow_lib.data import DataError
from stflow_lib.data.rasterize.around import MOST, box_around, cells_of
from stflow_lib.data.rasterize.cells import METRES_PER_DEGREE, cell_metres


@pytest.fixture
def points():
    random = np.random.default_rng(0)
    return random.uniform([52.4, 13.2], [52.6, 13.6], (5000, 2))


@pytest.mark.parametrize("cell_m", [250, 500, 1234.5])
def test_whole_cells_of_the_side(points, cell_m):
    box = box_around(points, cell_m=cell_m)
    rows, cols = cells_of(box, cell_m)
    assert abs(cell_metres(box, rows, cols) / cell_m - 1) < 1e-3
    assert abs((box.lat_max - box.lat_min) * METRES_PER_DEGREE - rows * cell_m) < 1


def test_the_share_of_each_axis_is_inside(points):
    far = np.concatenate([points, [[0.0, 0.0], [-33.9, 151.2]]])
    box = box_around(far, share=0.9, cell_m=100)
    for axis, (low, high) in enumerate(
        ((box.lat_min, box.lat_max), (box.lon_min, box.lon_max))
    ):
        inside = ((far[:, axis] >= low) & (far[:, axis] < high)).mean()
        assert 0.9 <= inside < 0.92


def test_one_point_has_one_cell():
    box = box_around(np.array([[10.0, 20.0]]), cell_m=300)
    assert cells_of(box, 300) == (1, 1) and box.lat_min < 10 < box.lat_max


def test_no_points_no_share_and_too_many_cells(points):
    for wrong in (
        {"points": points[:0]},
        {"points": points, "share": 0},
        {"points": points, "cell_m": 0},
    ):
        with pytest.raises(DataError, match="box around"):
            box_around(**wrong)
    with pytest.raises(DataError, match="choose cell_m from") as error:
        box_around(points, cell_m=10)
    least = float(str(error.value).split("from ")[1].split(" ")[0])
    assert max(cells_of(box_around(points, cell_m=least + 1), least + 1)) <= MOST
