"""The pages of the book, and whether what was executed of them still holds."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from stflow_lib import ROOT
from stflow_lib.data.catalog.entry import data_folder
from stflow_lib.data.files.damaged import set_aside
from stflow_lib.runs import profiles

INPUTS = (  # of every notebook, beside its source and the data
    "stflow_lib/**/*.py", "requirements.lock", "notebooks/profiles.yaml", "book/results/*/*.csv",
    "book/claims/*.csv", "book/equations.csv", "tests/kernels/proofs/mutations.csv",
)  # fmt: skip
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


def _files(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def shared_inputs() -> str:
    """Hash of what every notebook depends on: the files of INPUTS and the data folder."""
    texts = _files(*INPUTS)
    named = [f"{path.relative_to(ROOT)}".encode() + path.read_bytes() for path in texts]
    return _digest(*named, json.dumps(data_state()).encode())


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
    shared, result = shared_inputs().encode(), {}
    for page in sorted(found, key=lambda page: page.name == LAST):
        own = json.dumps([page.name, page.profile, page.parameters], sort_keys=True).encode()
        before = json.dumps(result).encode() if page.name == LAST else b""
        result[page.name] = _digest(page.source.read_bytes(), own, shared, before)
    return result


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
