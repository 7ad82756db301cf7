"""A box around points, whose sides are whole numbers of cells."""

import numpy as np
from jaxtyping import Float

from stflow_lib.data.cast import exact
from stflow_lib.data.errors import DataError
from stflow_lib.data.rasterize.cells import METRES_PER_DEGREE
from stflow_lib.data.schema import Box

MOST = 256  # cells a side


def box_around(
    points: Float[np.ndarray, "n 2"], share: float = 0.99, cell_m: float = 500
) -> Box:
    """The box that holds the middle `share` of latitudes and of longitudes, in whole cells.

    points [N, 2]: latitude and longitude in degrees. share: of each axis, so that a few ends far
    out do not make a grid of empty cells. DataError for no points, for a share or a side that is
    none, and for a grid of more than MOST cells a side.
    """
    points = exact(points, np.float64, "points (lat, lon)").reshape(-1, 2)
    if not len(points) or not 0 < share <= 1 or not cell_m > 0:
        raise DataError(f"box around {len(points)} points, share {share}, cell_m {cell_m}: want "
                        "points, a share in (0, 1] and a side above 0")  # fmt: skip
    low, high = np.quantile(points, [(1 - share) / 2, (1 + share) / 2], axis=0)
    middle = (low + high) / 2
    side = cell_m / METRES_PER_DEGREE / np.array([1, np.cos(np.deg2rad(middle[0]))])
    cells = np.maximum(np.ceil((high - low) / side - 1e-9), 1)
    if cells.max() > MOST:
        raise DataError(f"{cell_m:g} m cells: {cells[0]:.0f} x {cells[1]:.0f} of them; choose "
                        f"cell_m from {cell_m * cells.max() / MOST:.0f} on")  # fmt: skip
    south, west = middle - cells * side / 2
    north, east = middle + cells * side / 2
    return Box(*map(float, (south, north, west, east)))


def cells_of(box: Box, cell_m: float) -> tuple[int, int]:
    """Rows and columns of cells with sides nearest to `cell_m` metres, at least one of each."""
    middle = np.deg2rad((box.lat_min + box.lat_max) / 2)
    height = (box.lat_max - box.lat_min) * METRES_PER_DEGREE
    width = (box.lon_max - box.lon_min) * METRES_PER_DEGREE * np.cos(middle)
    return tuple(max(1, round(float(length / cell_m))) for length in (height, width))
