"""Notebooks from their py:percent sources, for papermill and JupyterLab."""

import sys
from pathlib import Path

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
# Papermill's command. At import jsonschema would make a grammar of web addresses that no notebook
# needs, in two seconds for every page; where the module is missing it goes on without.
PAPERMILL = (
    "import sys; sys.modules['rfc3987_syntax'] = None; "
    "from papermill.cli import papermill; papermill()"
)


def command(source: Path, target: Path, parameters: str, folder: Path) -> list[str]:
    """What runs `source` in `folder` with `parameters` (YAML) and writes `target` cell by cell."""
    return [sys.executable, "-c", PAPERMILL, *arguments(source, target, parameters, folder)]


def arguments(source: Path, target: Path, parameters: str, folder: Path) -> list[str]:
    """What `command` tells papermill."""
    return [
        *(f"jupytext://{source}", str(target)),
        *("--parameters_yaml", parameters, "--kernel", KERNEL["name"]),
        *("--cwd", str(folder), "--no-progress-bar"),
    ]


def read_source(path: str | Path):
    """The py:percent source at `path` as a notebook node with a kernel named in it."""
    import jupytext
    import nbformat

    notebook = jupytext.read(path)
    notebook.metadata.setdefault("kernelspec", nbformat.from_dict(KERNEL))
    return notebook


class JupytextHandler:
    """Lets papermill read sources: `papermill jupytext://notebooks/x.py x.ipynb`."""

    scheme = "jupytext://"

    def read(self, path: str) -> str:
        """The source behind `jupytext://PATH` as the text of an .ipynb file."""
        import nbformat

        return nbformat.writes(read_source(path.removeprefix(self.scheme)))

    def write(self, text: str, path: str) -> None:
        """Refused: an executed notebook belongs in an .ipynb file."""
        raise ValueError(f"{path}: papermill reads sources and writes .ipynb files only")

    def listdir(self, path: str) -> list[str]:
        """The sources in the folder behind `jupytext://PATH`, by full name."""
        folder = Path(path.removeprefix(self.scheme))
        return [f"{self.scheme}{file}" for file in sorted(folder.glob("*.py"))]

    def pretty_path(self, path: str) -> str:
        """The path as a person would write it."""
        return path.removeprefix(self.scheme)


HANDLER = JupytextHandler()
