"""What exists: one `Entry` per city name, and `load`, `fetch`, `catalog` over all of them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import xarray as xr

from stflow_lib.data import download
from stflow_lib.data.schema import DataError, seal

CARD = ("name", "kind", "step_minutes", "zone", "unit", "source", "licence")


@dataclass(frozen=True)
class Entry:
    """One city of the catalogue: its card, its files, and the function that reads them."""

    name: str
    what: str  # one sentence for a reader
    kind: str  # "grid" or "graph"
    shape: str  # of flow or speed, as text: nothing is opened to list the catalogue
    span: str  # first and last day
    step_minutes: int
    zone: str  # IANA name, or "nominal" when the source gives no clock
    unit: str
    source: str
    licence: str
    read: Callable[[Path], xr.Dataset]  # data folder -> city
    forms: tuple[tuple[str, ...], ...] = ()  # files in the data folder, any one group suffices
    manifest: str = ""  # the list of public files from which the raw form is downloaded
    how: str = ""  # how to get what no manifest lists
    stands_in_for: str = ""  # paper: its data set
    size_mb: float = 0.0

    def raw_files(self) -> tuple[download.RawFile, ...]:
        """The public files of the raw form; none when the set cannot be downloaded."""
        return download.manifest(self.manifest) if self.manifest else ()

    def files(self) -> list[Path] | None:
        """The files of the first complete form in the data folder, None when none is."""
        raw = tuple(raw.into for raw in self.raw_files())
        for form in [*self.forms, *([raw] if raw and not self.how else [])] or [()]:
            paths = [folder() / path for path in form]
            if all(path.exists() for path in paths):
                return paths
        return None


def folder() -> Path:
    """The data folder: STFLOW_DATA, else ~/.cache/stflow."""
    return Path(os.environ.get("STFLOW_DATA") or Path.home() / ".cache" / "stflow")


@cache
def entries() -> dict[str, Entry]:
    """Every entry by name, in the order of the catalogue."""
    from stflow_lib.data import cities_grid, cities_papers, cities_simulated, cities_speed

    shelves = (cities_simulated, cities_grid, cities_speed, cities_papers)
    return {entry.name: entry for shelf in shelves for entry in shelf.ENTRIES}


def _entry(name: str) -> Entry:
    if name not in entries():
        raise DataError(f"{name!r} is not in the catalogue: {', '.join(entries())}")
    return entries()[name]


def fetch(name: str) -> list[Path]:
    """Paths of the files of `name`; what is missing is downloaded and verified first.

    DataError says which file failed and why, or how to get a set that is not downloadable.
    """
    entry = _entry(name)
    if (here := entry.files()) is not None:
        return here
    paths = download.bring(entry.raw_files(), folder(), name)
    if (here := entry.files()) is not None:
        return here
    wanted = " or ".join(", ".join(form) for form in entry.forms) or ", ".join(map(str, paths))
    raise DataError(f"{name}: needs {wanted} in {folder()} (STFLOW_DATA). {entry.how}")


def load(name: str) -> xr.Dataset:
    """The city `name`, fetched where needed, read, checked, with its card and content hash.

    DataError names the file, the rule and the place of whatever is wrong.
    """
    entry = _entry(name)
    fetch(name)
    card = {key: getattr(entry, key) for key in CARD}
    return seal(entry.read(folder()), **card)


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
