"""What exists: one `Entry` per city name, and `load`, `fetch`, `catalog` over all of them."""

from functools import cache
from pathlib import Path

import pandas as pd
import xarray as xr

from stflow_lib.data.catalog import graphs, grids, papers, registered, simulated
from stflow_lib.data.catalog.entry import Entry, data_folder
from stflow_lib.data.errors import DataError
from stflow_lib.data.files import download
from stflow_lib.data.files.open import named
from stflow_lib.data.schema import check_city, with_content_hash

City = xr.Dataset | Path | str  # itself, its .nc file, or its name in the catalogue


def entries() -> dict[str, Entry]:
    """Every entry by name, in the order of the catalogue, then the registered ones."""
    return built_in() | registered.entries()


@cache
def built_in() -> dict[str, Entry]:
    """The entries that the package brings."""
    kinds = (simulated, grids, graphs, papers)
    return {entry.name: entry for kind in kinds for entry in kind.ENTRIES}


def _entry(name: str) -> Entry:
    if name not in entries():
        raise DataError(f"{name!r} is not in the catalogue: {', '.join(entries())}")
    return entries()[name]


def fetch(name: str) -> list[Path]:
    """Paths of the files of `name`; what is missing is downloaded and verified first.

    DataError says which file failed and why, also one that was here and is not the one that the
    catalogue lists, or how to get a set that is not downloadable.
    """
    entry = _entry(name)
    if (here := entry.files()) is not None:
        return entry.verify(here)
    paths = download.download_all(entry.raw_files(), data_folder(), name)
    if (here := entry.files()) is not None:
        return entry.verify(here)
    wanted = " or ".join(", ".join(form) for form in entry.forms) or ", ".join(map(str, paths))
    raise DataError(f"{name}: needs {wanted} in {data_folder()} (STFLOW_DATA). {entry.how}")


def load(name: str) -> xr.Dataset:
    """The city `name`, fetched where needed, read, checked, with its card and content hash.

    name: one of the catalogue or registered, or the path of an .nc file with a city. DataError
    names the city or the file, the rule and the place of whatever is wrong.
    """
    if registered.is_path(name):
        return registered.read_city(name)
    entry = _entry(name)
    fetch(name)
    with named(name, "not readable"):
        city = entry.check_shape(entry.read(data_folder()))
        return with_content_hash(city, **entry.card())


def open_city(city: City) -> xr.Dataset:
    """A checked city from itself, its name or the path of its .nc file."""
    return check_city(city) if isinstance(city, xr.Dataset) else load(str(city))


def register(name: str, city: City, factor: int = 0) -> Path:
    """Keep a city under `name` in the data folder, for this process and all others.

    name: lower-case letters, digits and dashes; factor: M, by which fine-grained inference refines
    it. What was registered under the name before is replaced. -> where the copy lies. DataError
    for a name of the catalogue, and for what is no city.
    """
    if name in built_in():
        raise DataError(f"register {name!r}: is in the catalogue")
    attrs = {**(found := open_city(city)).attrs, "name": name, "factor": factor}
    return registered.write_city(found.assign_attrs(attrs), registered.place(name))


def is_own(name: str) -> bool:
    """Whether a city is a reader's own: registered, or named by its file."""
    if name in built_in():
        return False
    return registered.is_path(name) or name in registered.entries()


def files_of(name: str) -> list[Path] | None:
    """The files of a city's name or path that are here, none of a simulated one.

    None for what is no city, or not here.
    """
    if registered.is_path(name):
        return [path] if (path := Path(name)).exists() else None
    entry = entries().get(name)
    return entry.files() if entry else None


def catalog() -> pd.DataFrame:
    """One row per city: what, kind, shape, span, step, licence, size, here, stands in for."""
    columns = {"step_minutes": "step (min)", "size_mb": "size (MB)"}
    shown = ("name", "what", "kind", "shape", "span", "step_minutes", "licence", "size_mb")
    rows = [
        {columns.get(key, key): getattr(entry, key) for key in shown}
        | {"here": entry.files() is not None, "stands_in_for": entry.stands_in_for}
        for entry in entries().values()
    ]
    return pd.DataFrame(rows).set_index("name")
