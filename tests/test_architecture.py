"""The house keeps its shape: arrows of imports, one lock, no big files."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "stflow_lib"
WINGS = {"finegrained", "gridflow", "speedgraph"}
GROUND = {"training", "runs", "data", "kernels"}  # what a wing may stand on
MEGABYTE = 2**20


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(LIBRARY.rglob("*.py"))}


def imported(name: str, top_only: bool = False) -> set[str]:
    """Full names that a module imports, anywhere in it or at its top level only."""
    tree = ast.parse(MODULES[name].read_text())
    found = set()
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            base = resolve(name, node)
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def resolve(name: str, node: ast.ImportFrom) -> str:
    """The module behind a `from ... import`, relative ones included."""
    if not node.level:
        return node.module
    package = MODULES[name].name == "__init__.py"
    parts = name.split(".")[: None if package and node.level == 1 else package - node.level]
    return ".".join([*parts, *filter(None, [node.module])])


def house(names: set[str]) -> set[str]:
    """First part below stflow_lib of every name that belongs to the house."""
    return {name.split(".")[1] for name in names if name.startswith("stflow_lib.")}


def modules_of(part: str) -> list[str]:
    return [name for name in MODULES if f"{name}.".startswith(f"stflow_lib.{part}.")]


@pytest.mark.parametrize("wing", sorted(WINGS))
def test_a_wing_stands_on_the_ground_floor_only(wing):
    """A wing that imports another cannot be read, changed or timed alone."""
    for name in modules_of(wing):
        assert house(imported(name)) <= GROUND | {wing}, name


def test_kernels_import_nothing_of_the_house():
    """Kernels are tested and timed on machines that have nothing else of ours."""
    for name in modules_of("kernels"):
        assert house(imported(name)) <= {"kernels"}, name


def test_data_knows_no_tensors_and_nothing_above_it():
    """Cities are made and checked without torch, in seconds."""
    for name in modules_of("data"):
        outside = {other.split(".")[0] for other in imported(name)}
        assert not outside & {"torch", "triton", "einops"}, name
        assert house(imported(name)) <= {"data"}, name


@pytest.mark.parametrize("part", ["training", "runs", "verdicts", "data"])
def test_ground_floor_does_not_know_the_wings(part):
    """Runs find their wing by name; an import would close a circle."""
    for name in modules_of(part):
        assert not house(imported(name)) & WINGS, name


def test_no_circles():
    """A circle of top-level imports breaks, or works by luck of who is first."""
    arrows = {
        name: {m for m in imported(name, top_only=True) if m in MODULES and m != name}
        for name in MODULES
    }
    for name, into in arrows.items():  # a package is there before the modules inside it
        arrows[name] = {m for m in into if not f"{name}.".startswith(f"{m}.")}
    settled: set[str] = set()
    while ready := {n for n in arrows if n not in settled and arrows[n] <= settled}:
        settled |= ready
    assert not sorted(set(arrows) - settled)


def test_no_drawers_for_odds_and_ends():
    """utils.py is where code goes that nobody looked for."""
    for name in MODULES:
        assert not set(name.split(".")) & {"utils", "util", "helpers", "common", "misc"}


def test_a_library_file_fits_in_the_head():
    """A file of 300 lines holds two things."""
    long = {
        name: n
        for name, path in MODULES.items()
        if (n := len(path.read_text().splitlines())) > 300
    }
    assert not long


def locked() -> dict[str, str]:
    """Package -> version of requirements.lock, names in lower case."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.lower().replace("_", "-"): version for name, version in pins}


def test_pyproject_agrees_with_the_lock():
    """`pip install stflow_lib` and `make` must give the same versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(dependency.split("==") for dependency in project["dependencies"])
    assert {name.lower(): version for name, version in pins.items()}.items() <= locked().items()


def test_every_import_is_a_declared_dependency():
    """A package that comes only with another one leaves when that one changes."""
    distribution = {"sklearn": "scikit-learn", "yaml": "pyyaml", "jupyter_book": "jupyter-book"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {d.split("==")[0].lower() for d in project["dependencies"]}
    standard = __import__("sys").stdlib_module_names
    indirect = {"IPython", "nbformat"}  # parts of ipykernel and jupytext
    for name in MODULES:
        outside = {m.split(".")[0] for m in imported(name)} - standard - indirect
        for module in outside - {"stflow_lib", "__future__"}:
            assert distribution.get(module, module.lower()) in declared, f"{name}: {module}"


def test_conda_environment_uses_the_lock():
    """The conda way must not have versions of its own."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, nested = environment["dependencies"]
    assert python == "python=3.11" and pip == "pip"
    assert nested["pip"] == ["-r requirements.lock", "-e ."]


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_nothing_big_or_built_is_tracked():
    """Data and built pages belong in folders, not in the history."""
    for path in tracked():
        if path.exists():
            assert path.stat().st_size <= MEGABYTE, path
            assert path.suffix not in {".ipynb", ".npy", ".npz", ".parquet", ".h5", ".pt"}, path


def test_readme_names_only_what_exists():
    """A command or file that the README shows must be there."""
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ *)make (\w+)", readme, re.MULTILINE)) <= targets
    links = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", readme)
    for link in filter(None, (a or b for a, b in links)):
        assert (ROOT / link).exists(), link
