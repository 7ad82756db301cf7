"""The city contract: what every reader must return, and the errors that say where it does not.

A **grid city** holds `flow (time, direction, row, col)` and, where known, `poi (category, row,
col)`, `external (time, factor)` and `valid (direction, row, col)`; row 0 is the north end and
column 0 the west end. A **graph city** holds `speed (time, node)` with NaN for missing and,
where known, `adjacency (node, node_to)`. Both carry a regular local `time` and the attributes
`check.ATTRS`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.cast import exact
from stflow_lib.data.check import (
    DIMS,
    check_attributes,
    check_graph,
    check_variables,
    isolated,
    require,
)
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import named

STAMPS = ("datetime64", "datetime", "date", "string", "empty")  # what pandas calls time stamps
METRES_PER_DEGREE = 6_371_008.8 * np.pi / 180
MOST_CELLS = 256  # along a side of a box around points
FINER = [f"datetime64[{unit}]" for unit in ("ps", "fs", "as")]  # pandas reads these wrongly


@dataclass(frozen=True)
class Box:
    """A latitude/longitude rectangle in degrees; the lower edges belong to it."""

    lat_min: float
    lat_max: float
    lon_min: float
    lon_max: float

    def __post_init__(self):
        """DataError for turned or impossible edges."""
        upright = -90 <= self.lat_min < self.lat_max <= 90
        if not (upright and -180 <= self.lon_min < self.lon_max <= 180):
            raise DataError(f"{self}: rule 'minimum below maximum, latitude within 90, longitude "
                            "within 180' broken")  # fmt: skip

    def attrs(self) -> dict[str, float]:
        """The four edges under the names that a city carries in its attributes."""
        return dict(self.__dict__)

    @classmethod
    def around(cls, points: np.ndarray, share: float = 0.99, cell_m: float = 500) -> "Box":
        """The box that holds the middle `share` of latitudes and of longitudes, in whole cells.

        points [N, 2]: latitude and longitude in degrees. share: of each axis, so that a few ends
        far out do not make a grid of empty cells. DataError for no points, for a share or a side
        that is none, and for a grid of more than MOST_CELLS a side.
        """
        points = exact(points, np.float64, "points (lat, lon)").reshape(-1, 2)
        if not len(points) or not 0 < share <= 1 or not cell_m > 0:
            raise DataError(f"box around {len(points)} points, share {share}, cell_m {cell_m}: "
                            "want points, a share in (0, 1] and a side above 0")  # fmt: skip
        low, high = np.quantile(points, [(1 - share) / 2, (1 + share) / 2], axis=0)
        middle = (low + high) / 2
        side = cell_m / METRES_PER_DEGREE / np.array([1, np.cos(np.deg2rad(middle[0]))])
        cells = np.maximum(np.ceil((high - low) / side - 1e-9), 1)
        if cells.max() > MOST_CELLS:
            raise DataError(f"{cell_m:g} m cells: {cells[0]:.0f} x {cells[1]:.0f} of them; choose "
                            f"cell_m from {cell_m * cells.max() / MOST_CELLS:.0f} on")  # fmt: skip
        (south, west), (north, east) = middle - cells * side / 2, middle + cells * side / 2
        return cls(*map(float, (south, north, west, east)))

    def cells(self, cell_m: float) -> tuple[int, int]:
        """Rows and columns of cells with sides nearest to `cell_m` metres, at least one each."""
        middle = np.deg2rad((self.lat_min + self.lat_max) / 2)
        height = (self.lat_max - self.lat_min) * METRES_PER_DEGREE
        width = (self.lon_max - self.lon_min) * METRES_PER_DEGREE * np.cos(middle)
        rows, cols = (max(1, round(float(length / cell_m))) for length in (height, width))
        return rows, cols


EDGES = tuple(edge.name for edge in fields(Box))  # names in the attributes of a city


def block_sum(x: np.ndarray, factor: int) -> np.ndarray:
    """Sum the last two axes in `factor` x `factor` blocks.

    x [..., H M, W M] -> [..., H, W]: integers become 64 bits wide and half floats 32, so that
    no sum overflows, other floats stay. DataError when M does not divide a side.
    """
    *lead, rows, cols = x.shape
    if factor < 1 or rows % factor or cols % factor:
        raise DataError(f"block_sum: {rows} x {cols} cells do not split in {factor}s")
    blocks = x.reshape(*lead, rows // factor, factor, cols // factor, factor)
    wide = np.result_type(x, np.float32) if x.dtype.kind == "f" else None
    return blocks.sum(axis=(-3, -1), dtype=wide)


def grid_city(flow, time, directions, **attrs) -> xr.Dataset:
    """Dataset from flow [T, D, R, C], time [T] and the names of the D directions.

    With the four edges of a `Box` among the attributes the middles of its cells are coordinates:
    lat [R] from north to south and lon [C] from west to east, in degrees. DataError when the
    shapes disagree or a number does not fit float32.
    """
    name, steps = attrs.get("name", "grid_city"), as_time(time)
    shape = (len(steps), len(directions), *np.shape(flow)[-2:])
    return xr.Dataset(
        {"flow": (DIMS["flow"], _array(flow, shape, np.float32, f"{name}: flow"))},
        coords={"time": steps, "direction": list(directions), **_middles(attrs, *shape[2:])},
        attrs={"kind": "grid", **attrs},
    )


def _middles(attrs, rows: int, cols: int) -> dict[str, tuple[str, np.ndarray]]:
    """Latitude of each row and longitude of each column; none for a city without a box."""
    if not set(EDGES) <= attrs.keys():
        return {}
    sides = (
        ("lat", "row", "lat_max", "lat_min", rows),
        ("lon", "col", "lon_min", "lon_max", cols),
    )
    return {
        axis: (dim, attrs[first] + (np.arange(n) + 0.5) * (attrs[last] - attrs[first]) / n)
        for axis, dim, first, last, n in sides
    }


def graph_city(
    speed, time, adjacency, lat, lon, node=None, zeros_as_missing=False, **attrs
) -> xr.Dataset:
    """Dataset from speed [T, N], time [T], adjacency [N, N], lat and lon [N] in degrees.

    Without an adjacency (None) it is a city of which nobody knows what is near what.
    A speed of 0 is made NaN where `zeros_as_missing`, one bool or bool [T, N], is true. The
    attributes count these (`zeros_as_missing`), the other zeros (`zeros_kept`) and what was
    missing before (`missing`). DataError when the shapes disagree or a number does not fit its
    type.
    """
    name, steps, nodes = attrs.get("name", "graph_city"), as_time(time), np.size(lat)
    speed = _array(speed, (len(steps), nodes), np.float32, f"{name}: speed")
    places = {"lat": lat, "lon": lon}
    for axis, degrees in places.items():
        places[axis] = ("node", _array(degrees, (nodes,), np.float64, f"{name}: {axis}"))
    node = np.arange(nodes) if node is None else np.asarray(node)
    require(node.shape == (nodes,), name, f"{node.size} sensor ids, {nodes} sensors")
    zero = speed == 0
    gone = zero & zeros_as_missing
    counts = {"zeros_as_missing": int(gone.sum()), "zeros_kept": int((zero & ~gone).sum()),
              "missing": int(np.isnan(speed).sum())}  # fmt: skip
    city = xr.Dataset(
        {"speed": (DIMS["speed"], np.where(gone, np.float32(np.nan), speed))},
        coords={"time": steps, "node": node, **places},
        attrs={"kind": "graph", **counts, **attrs},
    )
    if adjacency is None:
        return city
    adjacency = _array(adjacency, (nodes, nodes), np.float32, f"{name}: adjacency")
    return city.assign(adjacency=(DIMS["adjacency"], adjacency)).assign_coords(node_to=node)


def _array(values, shape: tuple[int, ...], dtype, what: str) -> np.ndarray:
    """`values` as `dtype`; DataError unless they have the shape, and fit the type."""
    require(np.shape(values) == shape, what, f"shape {np.shape(values)}, not {shape}")
    return exact(values, dtype, what)


def as_time(time) -> np.ndarray:
    """Time stamps [T] in nanoseconds, whatever precision the source keeps.

    DataError for stamps that carry a zone (a city's are local, without one), for numbers, gaps,
    text that is no time, and years that nanoseconds do not reach.
    """
    given = time if isinstance(time, pd.DatetimeIndex) else np.atleast_1d(np.asarray(time))
    kind = pd.api.types.infer_dtype(given)
    fine = kind == "datetime64" and given.dtype in FINER
    require(kind in STAMPS and not fine, "time", f"{kind} of {given.dtype}: no time stamps")
    try:
        stamps = pd.DatetimeIndex(given)
        require(stamps.tz is None, "time", f"stamps carry the zone {stamps.tz}, rule 'local': "
                "tz_convert to the city's zone, then tz_localize(None)")  # fmt: skip
        stamps = stamps.as_unit("ns")
    except (ValueError, TypeError, OverflowError) as error:
        raise error if isinstance(error, DataError) else DataError(f"time: {error}") from error
    gaps = np.flatnonzero(stamps.isna())
    require(not len(gaps), "time", f"no stamp at index {gaps[:1]}")
    return np.asarray(stamps)


def with_content_hash(ds: xr.Dataset, **attrs) -> xr.Dataset:
    """Add attributes and the content hash, check the whole, and return it.

    A city with an adjacency also gets `isolated_sensors`, the count of those without an edge.
    """
    ds = ds.assign_attrs(attrs)
    _check(ds := ds.assign_attrs(sha256=content_hash(ds)))
    return ds.assign_attrs(isolated_sensors=isolated(ds)) if "adjacency" in ds else ds


def first_steps(ds: xr.Dataset, count: int) -> xr.Dataset:
    """The city as it was known after `count` steps, without a split, which is of the whole."""
    known = ds.isel(time=slice(0, count))
    known.attrs = {name: value for name, value in ds.attrs.items() if name != "split"}
    return with_content_hash(known)


def content_hash(ds: xr.Dataset) -> str:
    """sha256 over every variable and coordinate: name, dimensions, type, shape and values."""
    digest = hashlib.sha256()
    for name in sorted(map(str, ds.variables)):
        array = ds.variables[name]
        values = np.ascontiguousarray(array.values)
        if values.dtype.kind in "OU":
            values = np.frombuffer("\n".join(map(str, values.ravel())).encode(), np.uint8)
        digest.update(repr((name, array.dims, array.shape, values.dtype.str)).encode())
        digest.update(values.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def check_city(ds: xr.Dataset) -> xr.Dataset:
    """Return `ds` unchanged when it keeps the contract, else raise DataError.

    The message names the city, the rule, the variable and the first offending index. A graph
    city must also have the content of its hash: tasks are known by that. (A grid city may have
    been given POI since; its tasks hash what they get.)
    """
    _check(ds)
    if ds.attrs["kind"] == "graph":
        same = content_hash(ds) == ds.attrs["sha256"]
        require(same, ds.attrs["name"], "sha256 is not that of the content, which was changed "
                "since: with_content_hash makes it anew")  # fmt: skip
    return ds


def _check(ds: xr.Dataset):
    name = ds.attrs.get("name", "unnamed city")
    check_attributes(ds, name)
    check_variables(ds, name)
    if ds.attrs["kind"] == "graph":
        check_graph(ds, name)


def check_blocks(coarse: np.ndarray, fine: np.ndarray, factor: int, where: str):
    """DataError unless coarse [..., H, W] is exactly the block sum of fine [..., HM, WM]."""
    with named(f"{where}: Y"):
        sums = block_sum(np.asarray(fine, np.float64), factor)
    if coarse.shape != sums.shape:
        raise DataError(f"{where}: X {coarse.shape} is not the {factor} x {factor} block sum "
                        f"of Y {fine.shape}: the shapes disagree")  # fmt: skip
    wrong = np.argwhere(~np.isclose(coarse, sums, rtol=1e-6, atol=1e-4))
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise DataError(f"{where}: X is not the {factor} x {factor} block sum of Y, first at "
                        f"{at}: X {coarse[at]:g}, sum {sums[at]:g}")  # fmt: skip


def joint_hash(hashes: Sequence[str]) -> str:
    """One content hash for a task on several cities; that of a single city is its own."""
    return (
        hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    )
