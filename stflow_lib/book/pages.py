"""The pages of the book, and whether what was executed of them still holds."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from stflow_lib import ROOT
from stflow_lib.book import imports
from stflow_lib.data.catalog.entry import data_folder
from stflow_lib.data.files.damaged import set_aside
from stflow_lib.runs import profiles
from stflow_lib.runs.publish import results_folder

SHARED = (
    "requirements.lock",
    *(f"stflow_lib/book/{name}.py" for name in ("build", "forked", "papermill")),
)
MEASURED = (  # modules of stflow_lib.book beside whose pages a table of the same name lies
    "demand_intervals", "interval_scores", "source_epochs", "speed_intervals", "split_intervals",
)  # fmt: skip
READS = {  # module that a page can load, name that it imports or text in it -> what it reads then
    "stflow_lib.verdicts.claims": "book/claims/*.csv",
    "stflow_lib.book.equations": "book/equations.csv",
    "stflow_lib.kernels.proofs.gpu.RESULTS": "book/results/kernels.csv",
    "mutations.csv": "tests/kernels/proofs/mutations.csv",
    "stflow_lib.book.plots.finegrained.released_code": (
        "book/released_code.csv book/urbanstc_starts.csv"
    ),
    **{f"stflow_lib.book.{name}": f"book/{name}.csv" for name in MEASURED},
}
CITIES = "stflow_lib.data.catalog.entry"  # without it nobody finds the data folder
LAST = "scoreboard"  # reads what all others left, so it depends on all of them


class BookError(Exception):
    """The build cannot go on; the message says which notebook and which cell."""


@dataclass(frozen=True)
class Page:
    """One notebook of the book under one profile."""

    name: str  # "data/01_cities": where it lies in notebooks/, without .py
    profile: str  # smoke, lab or paper
    parameters: dict  # what papermill injects
    minutes: float  # its budget

    @property
    def source(self) -> Path:
        """The py:percent file."""
        return ROOT / "notebooks" / f"{self.name}.py"

    @property
    def executed(self) -> Path:
        """The .ipynb with outputs, kept for this profile."""
        return ROOT / "build" / "nb" / self.profile / f"{self.name}.ipynb"


def pages(profile: str) -> list[Page]:
    """The notebooks of the book in reading order, with their parameters under `profile`."""
    found = []
    for name in profiles.notebooks():
        entry = profiles.notebook(name, profile)
        found.append(Page(name, profile, dict(entry["parameters"]), float(entry["minutes"])))
    missing = [page.name for page in found if not page.source.exists()]
    if missing:
        raise BookError(f"notebooks/profiles.yaml names no such source: {', '.join(missing)}")
    return found


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(
        b"\0".join(hashlib.sha256(part).digest() for part in parts)
    ).hexdigest()


def _files(folder: Path, *patterns: str) -> dict[str, str]:
    """Name -> hash of the files of a folder that fit, but hidden ones: they are on their way."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    shown = sorted(path for path in found if not path.name.startswith("."))
    return {f"{path.relative_to(folder)}": _digest(path.read_bytes()) for path in shown}


def data_state() -> list[tuple[str, int, int]]:
    """Name, size and time of change of every file in the folder STFLOW_DATA, but hidden ones."""
    folder = data_folder()
    listed = sorted(p for p in folder.rglob("[!.]*") if p.is_file())
    derived = folder / "derived"  # made from the others, by the notebooks themselves
    return [
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in listed
        if derived not in path.parents
    ]


def fingerprints(found: list[Page]) -> dict[str, str]:
    """A hash of all inputs of each notebook; the scoreboard's holds every other's."""
    inputs, result = Inputs(), {}
    for page in sorted(found, key=lambda page: page.name == LAST):
        own = [page.name, page.profile, page.parameters, inputs.of(page)]
        own += [result] if page.name == LAST else []
        text = json.dumps(own, sort_keys=True)
        result[page.name] = _digest(page.source.read_bytes(), text.encode())
    return result


class Inputs:
    """What notebooks depend on beside themselves; what several share is hashed once."""

    def __init__(self):
        self.modules = imports.modules(ROOT)
        self.code = {name: _digest(path.read_bytes()) for name, path in self.modules.items()}
        self.shared = _files(ROOT, *SHARED)
        self.tables = profiles.read(profiles.FILE)["tables"]
        self.cities = data_state()

    def of(self, page: Page) -> list:
        """Code that the page can load, files that this reads, tables and records of its wings."""
        found = imports.reached(page.source, self.modules, self.tables)
        own = imports.read(page.source, "")
        wings = [wing for wing in self.tables if f"{imports.PACKAGE}.{wing}" in found]
        read = READS.keys() & (found | own.imports | own.texts)
        return [
            self.shared,
            {name: self.code[name] for name in found},
            _files(ROOT, *(one for name in read for one in READS[name].split())),
            [(self.tables[wing], _files(results_folder(wing), "**/*")) for wing in wings],
            self.cities if CITIES in found else [],
        ]


def is_fresh(page: Page, fingerprint: str) -> bool:
    """Whether the executed notebook came from exactly these inputs; a damaged one is set aside."""
    try:
        notebook = json.loads(page.executed.read_text(encoding="utf-8"))
        stored = notebook["metadata"]["stflow"]
        if stored["inputs"] != fingerprint:
            return False
        if stored["cells"] != cells_hash(notebook):
            raise ValueError("its cells are not those that were executed")
    except FileNotFoundError:
        return False
    except (ValueError, LookupError, TypeError) as error:
        set_aside(page.executed, f"damaged ({error!r})")
        return False
    return True


def cells_hash(notebook: dict) -> str:
    """A hash of the cells of a notebook, outputs included."""
    return _digest(json.dumps(notebook["cells"], sort_keys=True).encode())
