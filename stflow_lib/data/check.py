"""The rules of the city contract; `schema.check_city` applies them all.

Each raises DataError with the city, the rule, the variable and the first offending place.
"""

import math
import numbers

import numpy as np
import xarray as xr

from stflow_lib.data.calendars import check_zone
from stflow_lib.data.errors import DataError
from stflow_lib.data.time_axis import check_clock

TEXTS = ("name", "unit", "source", "licence")
ATTRS = (*TEXTS, "kind", "step_minutes", "zone", "sha256")
DIMS = {
    "flow": ("time", "direction", "row", "col"),
    "poi": ("category", "row", "col"),
    "external": ("time", "factor"),
    "valid": ("direction", "row", "col"),
    "speed": ("time", "node"),
    "adjacency": ("node", "node_to"),
}
NEEDED = {"grid": ("flow",), "graph": ("speed", "lat", "lon")}
LABELS = ("direction", "category", "factor", "node")
SPEED_LIMITS = {"mph": 155.0, "km/h": 250.0, "m/s": 70.0}  # units of speed: no road is faster


def require(holds: bool, name: str, rule: str):
    """DataError `name: rule` unless the rule holds."""
    if not holds:
        raise DataError(f"{name}: {rule}")


def check_attributes(ds: xr.Dataset, name: str):
    """The card is whole: texts, kind, a step in minutes, a zone, a unit, a split of all steps."""
    attrs = ds.attrs
    missing = [key for key in ATTRS if key not in attrs]
    require(not missing, name, f"attributes {missing} are missing")
    for key in TEXTS:
        text = attrs[key]
        require(isinstance(text, str) and text != "", name, f"{key} {text!r} is no text")
    require(attrs["kind"] in NEEDED, name, f"kind {attrs['kind']!r} is unknown")
    step = attrs["step_minutes"]
    require(_is_step(step), name, f"step_minutes {step!r} is no number of minutes above 0")
    check_zone(attrs["zone"], name)
    if attrs["kind"] == "graph":
        known = f"speed's unit {attrs['unit']!r} is none of {', '.join(SPEED_LIMITS)}"
        require(attrs["unit"] in SPEED_LIMITS, name, known)
    if "split" in attrs:
        _check_split(attrs["split"], ds.sizes["time"], name)


def _is_step(step: object) -> bool:
    """Whether it is a positive number of whole seconds, given in minutes."""
    real = isinstance(step, numbers.Real) and not isinstance(step, bool)
    return real and math.isfinite(step) and step > 0 and float(step * 60).is_integer()


def _check_split(split: object, steps: int, name: str):
    parts = np.asarray(split)
    whole = parts.dtype.kind in "iu" and parts.shape == (3,) and (parts > 0).all()
    require(bool(whole) and int(parts.sum()) == steps, name,
            f"split {split} must be three numbers of steps, for training, validation and test, "
            f"that add up to all {steps}")  # fmt: skip


def check_variables(ds: xr.Dataset, name: str):
    """What the kind needs is there, on a regular clock, of the right shapes, types and range."""
    for variable in NEEDED[ds.attrs["kind"]]:
        require(variable in ds.variables, name, f"variable {variable!r} is missing")
    check_clock(ds["time"].values, ds.attrs, DataError)
    for label in (name for name in LABELS if name in ds.coords):
        _check_labels(ds[label], name)
    for variable in (name for name in DIMS if name in ds.data_vars):
        _check_array(ds[variable], name)


def _check_labels(labels: xr.DataArray, name: str):
    index = labels.to_index()
    double = index[index.duplicated()]
    require(not len(double), name, f"{labels.name} {double[:1].tolist()} stands there twice")
    require(not index.hasnans, name, f"a {labels.name} has no name")


def _check_array(array: xr.DataArray, name: str):
    want = DIMS[array.name]
    require(array.dims == want, name, f"{array.name} has dimensions {array.dims}, not {want}")
    dtype = "bool" if array.name == "valid" else "float32"
    require(array.dtype == dtype, name, f"{array.name} is {array.dtype}, not {dtype}")
    require(array.size > 0, name, f"{array.name} is empty, shape {array.shape}")
    if array.name != "valid":
        _check_numbers(array, name)
    if array.name in ("flow", "valid", "poi"):
        require(bool(array.values.any()), name, f"{array.name} is zero everywhere")
    if array.name in ("flow", "valid"):
        idle = ~array.any([dim for dim in array.dims if dim != "direction"]).values
        require(not idle.any(), name, f"{array.name} is zero everywhere in direction "
                f"{array['direction'].values[idle.argmax()]!s}")  # fmt: skip


def _check_numbers(array: xr.DataArray, name: str):
    values = array.values
    finite = np.isfinite(values) | (np.isnan(values) if array.name == "speed" else False)
    no_offender(~finite, array, name, "finite")
    if array.name != "external":
        no_offender(values < 0, array, name, "not negative")


def no_offender(wrong: np.ndarray, array: xr.DataArray, name: str, rule: str):
    """DataError at the first place where `wrong`, of the shape of `array`, is true."""
    if not wrong.any():
        return
    at = tuple(map(int, np.unravel_index(int(wrong.argmax()), wrong.shape)))
    where = ", ".join(f"{dim} {i}" for dim, i in zip(array.dims, at, strict=True))
    raise DataError(f"{name}: {array.name} must be {rule}, first at {where}: "
                    f"{array.values[at]:g}")  # fmt: skip


def check_graph(ds: xr.Dataset, name: str):
    """Speeds that a road allows, sensors where they can be, no adjacency or one with an edge."""
    speed, unit = ds["speed"], ds.attrs["unit"]
    limit = SPEED_LIMITS[unit]
    no_offender(speed.values > limit, speed, name, f"at most {limit:g} {unit}")
    require(np.nanmax(speed.values, initial=0) > 0, name, "speed is missing or zero everywhere")
    if "adjacency" in ds:
        _check_edges(ds, name)
    _check_places(ds, name)


def _check_edges(ds: xr.Dataset, name: str):
    same = np.array_equal(ds["node"].values, ds["node_to"].values)
    require(same, name, "adjacency's node and node_to name different sensors")
    edges = isolated(ds) < ds.sizes["node"]
    require(edges, name, "adjacency has no edge between two sensors: leave it out")


def isolated(ds: xr.Dataset) -> int:
    """How many sensors of a graph city have no edge to or from another one."""
    edge = ds["adjacency"].values > 0
    np.fill_diagonal(edge, False)
    return int((~(edge.any(0) | edge.any(1))).sum())


def _check_places(ds: xr.Dataset, name: str):
    lat, lon = ds["lat"], ds["lon"]
    if np.isnan(lat.values).all() and np.isnan(lon.values).all():
        return  # a source without any places is allowed
    for degrees, limit in ((lat, 90.0), (lon, 180.0)):
        low = ds.attrs.get(f"{degrees.name}_min", -limit)
        high = ds.attrs.get(f"{degrees.name}_max", limit)
        outside = ~((degrees.values >= low) & (degrees.values <= high))
        no_offender(outside, degrees, name, f"inside the box {low:g} to {high:g}")
    nowhere = (lat.values == 0) & (lon.values == 0)
    no_offender(nowhere, lat, name, "a place: latitude and longitude are both zero")
