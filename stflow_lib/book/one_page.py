"""One page with parameters of one's own: `python -m stflow_lib page NAME -p PARAMETER VALUE`."""

import argparse
import ast
import subprocess
from pathlib import Path

import yaml

from stflow_lib import ROOT
from stflow_lib.book import papermill
from stflow_lib.data.errors import DataError
from stflow_lib.runs import profiles

OUTPUT = "your-pages"  # folder beside the person's files, unless another one is named


def main(argv: list[str] | None = None) -> int:
    """Run a page and say where it lies; its last cell says what it wrote."""
    parser = argparse.ArgumentParser(prog="stflow_lib page", description=__doc__)
    parser.add_argument("name", help="as your_city/01_forecast_demand")
    pairs = {"nargs": 2, "action": "append", "metavar": ("PARAMETER", "VALUE"), "default": []}
    parser.add_argument("-p", "--parameter", help="of the page's second cell", **pairs)
    parser.add_argument("-o", "--output", type=Path, help=f"an .ipynb (default: in {OUTPUT})")
    chosen = parser.parse_args(argv)
    given = dict(chosen.parameter)
    target = chosen.output or Path(OUTPUT) / f"{chosen.name}.ipynb"
    print(run_page(chosen.name, given, target))
    return 0


def run_page(name: str, given: dict[str, str], target: Path) -> Path:
    """Execute a page in the present folder with parameters as text; -> the executed notebook.

    DataError for a page or parameter that is not there, for a value of another type, and, with
    the message of its last line, where a cell fails.
    """
    values = typed(name, given)
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    call = papermill.command(source_of(name), target, yaml.safe_dump(values), Path.cwd())
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise DataError(f"{name}: {lines[-1]} (see {target})")
    return target


def source_of(name: str) -> Path:
    """The source of a page; DataError lists those there are."""
    if name not in profiles.notebooks():
        raise DataError(f"page {name!r}: there are {', '.join(profiles.notebooks())}")
    return ROOT / "notebooks" / f"{name}.py"


def parameters_of(name: str) -> dict[str, object]:
    """The parameters of a page and their defaults, in its order."""
    cells = papermill.read_source(source_of(name)).cells
    text = next(c.source for c in cells if "parameters" in c.metadata.get("tags", []))
    return {node.target.id: ast.literal_eval(node.value) for node in ast.parse(text).body}


def typed(name: str, given: dict[str, str]) -> dict[str, object]:
    """Values of the types that the page's defaults have; YAML for lists and mappings."""
    known, found = parameters_of(name), {}
    for parameter, text in given.items():
        if parameter not in known:
            raise DataError(f"{name}: no parameter {parameter!r}, there are {', '.join(known)}")
        found[parameter] = _value(known[parameter], text, f"{name}: {parameter}")
    return found


def _value(default: object, text: str, where: str) -> object:
    value = text if isinstance(default, str) else yaml.safe_load(text)
    kind = type(default)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise DataError(f"{where}: {text!r} is no {kind.__name__}")
    return value
