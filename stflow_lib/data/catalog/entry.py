"""One entry of the catalogue, and the folder where its files lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from stflow_lib.data.catalog.verify import compact, verify
from stflow_lib.data.errors import DataError
from stflow_lib.data.files import download
from stflow_lib.data.files.paths import user_folder
from stflow_lib.data.schema import Box

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
    factor: int = 0  # M, by which fine-grained inference refines it; 0: another problem's city
    box: Box | None = None  # where the sensors of a graph city lie

    def raw_files(self) -> tuple[download.RawFile, ...]:
        """The public files of the raw form; none when the set cannot be downloaded."""
        return download.manifest(self.manifest) if self.manifest else ()

    def files(self) -> list[Path] | None:
        """The files of the first complete form in the data folder, None when none is."""
        raw = tuple(raw.into for raw in self.raw_files())
        folder = data_folder()
        for form in [*self.forms, *([raw] if raw and not self.how else [])] or [()]:
            paths = [folder / path for path in form]
            if all(path.exists() for path in paths):
                return paths
        return None

    def verify(self, paths: list[Path]) -> list[Path]:
        """`paths` in the data folder; DataError for one that is not the file of the lists."""
        listed = compact() | {raw.into: (raw.bytes, raw.hash) for raw in self.raw_files()}
        for path in paths:
            if known := listed.get(path.relative_to(data_folder()).as_posix()):
                verify(path, *known)
        return paths

    def card(self) -> dict[str, str | int | float]:
        """The attributes that a city has from the catalogue."""
        return {key: getattr(self, key) for key in CARD} | (
            self.box.attrs() if self.box else {}
        )

    def check_shape(self, city: xr.Dataset) -> xr.Dataset:
        """The city; DataError where its shape is not the card's (words there stand for any)."""
        shape = city["flow" if self.kind == "grid" else "speed"].shape
        stated = self.shape.split(" x ")
        pairs = zip(stated, map(str, shape), strict=False)
        if len(shape) != len(stated) or any(w.isdigit() and w != n for w, n in pairs):
            raise DataError(f"{self.name}: shape {shape}, the catalogue states {self.shape}")
        return city


def data_folder() -> Path:
    """The data folder: STFLOW_DATA, else ~/.cache/stflow."""
    return user_folder("STFLOW_DATA")
