"""What exists: one `Entry` per city name, and `load`, `fetch`, `catalog` over all of them."""

from functools import cache
from pathlib import Path

import pandas as pd
import xarray as xr

from stflow_lib.data.catalog import graphs, grids, papers, simulated
from stflow_lib.data.catalog.entry import Entry, data_folder
from stflow_lib.data.errors import DataError
from stflow_lib.data.files import download
from stflow_lib.data.files.open import named
from stflow_lib.data.schema import with_content_hash


@cache
def entries() -> dict[str, Entry]:
    """Every entry by name, in the order of the catalogue."""
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

    DataError names the city or the file, the rule and the place of whatever is wrong.
    """
    entry = _entry(name)
    fetch(name)
    with named(name, "not readable"):
        city = entry.check_shape(entry.read(data_folder()))
        return with_content_hash(city, **entry.card())


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
