"""The city contract: what every reader must return, and the errors that say where it does not.

A **grid city** holds `flow (time, direction, row, col)` and, where known, `poi (category, row,
col)`, `external (time, factor)` and `valid (direction, row, col)`; row 0 is the north end and
column 0 the west end. A **graph city** holds `speed (time, node)` with NaN for missing and
`adjacency (node, node_to)`. Both carry a regular local `time` and the attributes `ATTRS`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from stflow_lib.data.errors import DataError
from stflow_lib.data.time_axis import check_clock

ATTRS = ("name", "kind", "step_minutes", "zone", "unit", "source", "licence", "sha256")
DIMS = {
    "flow": ("time", "direction", "row", "col"),
    "poi": ("category", "row", "col"),
    "external": ("time", "factor"),
    "valid": ("direction", "row", "col"),
    "speed": ("time", "node"),
    "adjacency": ("node", "node_to"),
}
NEEDED = {"grid": ("flow",), "graph": ("speed", "adjacency", "lat", "lon")}


@dataclass(frozen=True)
class Box:
    """A latitude/longitude rectangle in degrees; the lower edges belong to it."""

    lat_min: float
    lat_max: float
    lon_min: float
    lon_max: float

    def __post_init__(self):
        """DataError for turned or impossible edges."""
        if not (-90 <= self.lat_min < self.lat_max <= 90 and self.lon_min < self.lon_max):
            raise DataError(f"{self}: rule 'minimum below maximum, latitude within 90' broken")

    def attrs(self) -> dict[str, float]:
        """The four edges under the names that a city carries in its attributes."""
        return dict(self.__dict__)


def block_sum(x: np.ndarray, factor: int) -> np.ndarray:
    """Sum the last two axes in `factor` x `factor` blocks.

    x [..., H M, W M] -> [..., H, W], same dtype. DataError when M does not divide a side.
    """
    *lead, rows, cols = x.shape
    if factor < 1 or rows % factor or cols % factor:
        raise DataError(f"block_sum: {rows} x {cols} cells do not split in {factor}s")
    blocks = x.reshape(*lead, rows // factor, factor, cols // factor, factor)
    return blocks.sum(axis=(-3, -1), dtype=x.dtype)


def grid_city(flow, time, directions, **attrs) -> xr.Dataset:
    """Dataset from flow [T, D, R, C], time [T] and the names of the D directions."""
    ds = xr.Dataset(
        {"flow": (DIMS["flow"], np.asarray(flow, np.float32))},
        coords={"time": as_time(time), "direction": list(directions)},
        attrs={"kind": "grid", **attrs},
    )
    return ds


def graph_city(speed, time, adjacency, lat, lon, node=None, **attrs) -> xr.Dataset:
    """Dataset from speed [T, N], time [T], adjacency [N, N], lat and lon [N] in degrees."""
    node = np.arange(np.shape(speed)[1]) if node is None else np.asarray(node)
    return xr.Dataset(
        {
            "speed": (DIMS["speed"], np.asarray(speed, np.float32)),
            "adjacency": (DIMS["adjacency"], np.asarray(adjacency, np.float32)),
        },
        coords={
            "time": as_time(time),
            "node": node,
            "node_to": node,
            "lat": ("node", np.asarray(lat, float)),
            "lon": ("node", np.asarray(lon, float)),
        },
        attrs={"kind": "graph", **attrs},
    )


def as_time(time) -> np.ndarray:
    """Time stamps in nanoseconds, whatever precision the source keeps."""
    return np.asarray(pd.DatetimeIndex(time).as_unit("ns"))


def with_content_hash(ds: xr.Dataset, **attrs) -> xr.Dataset:
    """Add attributes and the content hash, check the whole, and return it."""
    ds = ds.assign_attrs(attrs)
    return check_city(ds.assign_attrs(sha256=content_hash(ds)))


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

    The message names the city, the rule, the variable and the first offending index.
    """
    name = ds.attrs.get("name", "unnamed city")
    missing = [key for key in ATTRS if key not in ds.attrs]
    _require(not missing, name, f"attributes {missing} are missing")
    _require(ds.attrs["kind"] in NEEDED, name, f"kind {ds.attrs['kind']!r} is unknown")
    for variable in NEEDED[ds.attrs["kind"]]:
        _require(variable in ds.variables, name, f"variable {variable!r} is missing")
    check_clock(ds["time"].values, ds.attrs, DataError)
    for variable in DIMS.keys() & set(ds.data_vars):
        _check_array(ds[variable], name)
    if ds.attrs["kind"] == "graph":
        _check_places(ds, name)
    return ds


def check_blocks(coarse: np.ndarray, fine: np.ndarray, factor: int, where: str):
    """DataError unless coarse [..., H, W] is exactly the block sum of fine [..., HM, WM]."""
    sums = block_sum(np.asarray(fine, np.float64), factor)
    if coarse.shape != sums.shape:
        raise DataError(f"{where}: X {coarse.shape} is not the {factor} x {factor} block sum "
                        f"of Y {fine.shape}: the shapes disagree")  # fmt: skip
    wrong = np.argwhere(~np.isclose(coarse, sums, rtol=1e-6, atol=1e-4))
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise DataError(f"{where}: X is not the {factor} x {factor} block sum of Y, first at "
                        f"{at}: X {coarse[at]:g}, sum {sums[at]:g}")  # fmt: skip


def _require(holds: bool, name: str, rule: str):
    if not holds:
        raise DataError(f"{name}: {rule}")


def _check_array(array: xr.DataArray, name: str):
    want = DIMS[array.name]
    _require(array.dims == want, name, f"{array.name} has dimensions {array.dims}, not {want}")
    dtype = "bool" if array.name == "valid" else "float32"
    _require(array.dtype == dtype, name, f"{array.name} is {array.dtype}, not {dtype}")
    _require(array.size > 0, name, f"{array.name} is empty, shape {array.shape}")
    if array.name == "valid":
        return
    values = array.values
    finite = np.isfinite(values) | (np.isnan(values) if array.name == "speed" else False)
    _no_offender(~finite, array, name, "finite")
    if array.name != "external":
        _no_offender(values < 0, array, name, "not negative")


def _no_offender(wrong: np.ndarray, array: xr.DataArray, name: str, rule: str):
    if not wrong.any():
        return
    at = tuple(map(int, np.unravel_index(int(wrong.argmax()), wrong.shape)))
    where = ", ".join(f"{dim} {i}" for dim, i in zip(array.dims, at, strict=True))
    raise DataError(f"{name}: {array.name} must be {rule}, first at {where}: "
                    f"{array.values[at]:g}")  # fmt: skip


def _check_places(ds: xr.Dataset, name: str):
    same = np.array_equal(ds["node"].values, ds["node_to"].values)
    _require(same, name, "adjacency's node and node_to name different sensors")
    for axis, limit in (("lat", 90.0), ("lon", 180.0)):
        low = ds.attrs.get(f"{axis}_min", -limit)
        high = ds.attrs.get(f"{axis}_max", limit)
        degrees = ds[axis].values
        if not np.isnan(degrees).all():  # a source without any places is allowed
            outside = ~((degrees >= low) & (degrees <= high))
            _no_offender(outside, ds[axis], name, f"inside the box {low:g} to {high:g}")


def joint_hash(hashes: Sequence[str]) -> str:
    """One content hash for a task on several cities; that of a single city is its own."""
    return (
        hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    )
