"""Cities and results as NetCDF files: written whole, read back with the same values and types."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stflow_lib.data.files.open import named, read_bytes
from stflow_lib.data.files.write import write_atomic

WHAT = "not readable as NetCDF"
ENGINE = "scipy"  # NetCDF 3: what every tool opens, and nothing else here is needed for
WIDE = {
    "i": np.int64,
    "u": np.int64,
}  # NetCDF 3 holds 32 bits: whole numbers become these again


def write_netcdf(dataset: xr.Dataset, path: Path | str) -> None:
    """Write a dataset; after a crash the old file is there or the new one.

    DataError, naming the file, for what NetCDF 3 cannot hold.
    """
    path = Path(path)
    with named(path, "not to be written as NetCDF"):
        attrs = {name: _written(value) for name, value in dataset.attrs.items()}
        plain = dataset.assign_attrs(attrs)
        clock = {"time": {"units": f"seconds since {_first(dataset)}", "dtype": "float64"}}
        content = plain.to_netcdf(engine=ENGINE, encoding=clock if "time" in dataset else {})
        write_atomic(path, bytes(content))


def read_netcdf(path: Path | str) -> xr.Dataset:
    """The dataset of a NetCDF file; DataError names a file that is none."""
    content = io.BytesIO(bytes(read_bytes(Path(path))))
    with named(path, WHAT), xr.open_dataset(content, engine=ENGINE) as found:
        dataset = found.load()
    for array in dataset.variables.values():
        array.encoding = {}
    attrs = {name: _read(value) for name, value in dataset.attrs.items()}
    whole = {name: wide for name, array in dataset.coords.items()
             if (wide := WIDE.get(array.dtype.kind))}  # fmt: skip
    changed = {name: dataset[name].astype(wide) for name, wide in whole.items()}
    return dataset.assign_coords(changed).assign_attrs(attrs)


def _first(dataset: xr.Dataset) -> str:
    return str(dataset["time"].values.ravel()[0].astype("datetime64[s]")).replace("T", " ")


def _written(value: Any) -> Any:
    """Texts and numbers as they are, truth as a number, sequences as arrays."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    return np.asarray(value) if isinstance(value, tuple | list) else value


def _read(value: Any) -> Any:
    """Plain Python values, arrays as tuples."""
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return value.item() if isinstance(value, np.generic) else value
