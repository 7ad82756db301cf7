"""`pytest --nbval notebooks` collects the py:percent sources and runs them at smoke size.

Each source becomes an .ipynb in build/nbval with the smoke profile's parameters injected;
kernels start in the repository's root and fill a run store that goes away afterwards.
"""

import os
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from stflow_lib.data.files.write import write_atomic
from stflow_lib.runs import profiles

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "nbval"
BUILD.mkdir(parents=True, exist_ok=True)
RUNS = tempfile.TemporaryDirectory(prefix="runs-", dir=BUILD)


class Source(IPyNbFile):
    """A source of the book; its kernel works in the repository's root."""

    def collect(self):
        """The code cells, which nbval reads from the .ipynb made of the source.

        Only meanwhile is that the path of this file: pytest asks for it by the source's.
        """
        source, self.path = self.path, smoke_notebook(self.path)
        yield from super().collect()
        self.path = source

    def setup(self) -> None:
        """Start the kernel of the page (its cells share it)."""
        os.environ |= {"STFLOW_PROFILE": "smoke", "STFLOW_RUNS": RUNS.name}
        self.kernel = RunningKernel("python3", cwd=str(HERE.parent), startup_timeout=120)
        self.setup_sanitize_files()


def smoke_notebook(source: Path) -> Path:
    """The source as an .ipynb in build/nbval, the smoke profile's parameters injected."""
    name = source.relative_to(HERE).with_suffix("").as_posix()
    notebook = load_notebook_node(f"jupytext://{source}")
    chosen = profiles.notebook(name, "smoke")["parameters"]
    notebook = parameterize_notebook(notebook, chosen, kernel_name="python3", language="python")
    target = BUILD / f"{name}.ipynb"
    # whole or not at all: with pytest's -n two processes write it at once
    write_atomic(target, nbformat.writes(notebook).encode())
    return target


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """JupyterLab's .ipynb pairs are not sources."""
    return True if collection_path.suffix == ".ipynb" else None


def pytest_collect_file(file_path: Path, parent):
    """A collector for a source when pytest runs with --nbval (or --nbval-lax)."""
    options = parent.config.option
    wanted = getattr(options, "nbval", False) or getattr(options, "nbval_lax", False)
    if not wanted or file_path.suffix != ".py" or file_path.name == "conftest.py":
        return None
    return Source.from_parent(parent, path=file_path)
