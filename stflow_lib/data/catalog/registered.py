"""Cities of one's own: under a name, or as the path of a NetCDF file, wherever a city is named."""

import re
from functools import partial
from pathlib import Path

import pandas as pd
import xarray as xr

from stflow_lib.data.catalog.entry import CARD, Entry, data_folder
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.netcdf import read_netcdf, write_netcdf
from stflow_lib.data.schema import check_city, with_content_hash

FOLDER, SUFFIX = "registered", ".nc"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")  # no + or >, which join the cities of a transfer


def is_path(name: str) -> bool:
    """Whether a city is named by a file."""
    return name.endswith(SUFFIX)


def read_city(path: Path | str) -> xr.Dataset:
    """The checked city of a NetCDF file; DataError names the file and the rule that is broken."""
    city = read_netcdf(path)
    if missing := [key for key in CARD if key not in city.attrs]:
        raise DataError(f"{path}: attributes {missing} are missing, no city")
    return with_content_hash(city)


def write_city(city: xr.Dataset, path: Path | str) -> Path:
    """Write a checked city to PATH.nc, which is then accepted wherever a city is named."""
    if not is_path(str(path)):
        raise DataError(f"{path}: a city is kept in a file *{SUFFIX}")
    write_netcdf(check_city(city), path)
    return Path(path)


def place(name: str) -> Path:
    """Where the city of a name is kept; DataError for what is no name."""
    if not NAME.fullmatch(name):
        raise DataError(f"register {name!r}: want {NAME.pattern}")
    return data_folder() / FOLDER / f"{name}{SUFFIX}"


def entries() -> dict[str, Entry]:
    """An entry for each registered city, by name."""
    paths = sorted((data_folder() / FOLDER).glob(f"[!.]*{SUFFIX}"))
    return {path.stem: _entry(path.stem, path.stat().st_mtime_ns) for path in paths}


def _entry(name: str, changed: int) -> Entry:
    if (name, changed) not in _KNOWN:
        _KNOWN[name, changed] = _made(name)
    return _KNOWN[name, changed]


_KNOWN: dict[tuple[str, int], Entry] = {}  # by name and time of change of the file


def _made(name: str) -> Entry:
    path, inside = place(name), f"{FOLDER}/{name}{SUFFIX}"
    city = read_city(path)
    array = city["flow" if city.attrs["kind"] == "grid" else "speed"]
    first, last = (f"{pd.Timestamp(city.time.values[end]):%Y-%m-%d}" for end in (0, -1))
    card = {key: city.attrs[key] for key in CARD if key != "name"}
    return Entry(
        name, "registered by you", shape=" x ".join(map(str, array.shape)),
        span=f"{first} to {last}", read=partial(_read, inside), forms=((inside,),),
        size_mb=round(path.stat().st_size / 1e6, 1),
        factor=city.attrs.get("factor", 0), **card,
    )  # fmt: skip


def _read(inside: str, folder: Path) -> xr.Dataset:
    return read_city(folder / inside)
