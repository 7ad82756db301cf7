"""The house keeps its shape: arrows of imports, one lock, no big files."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "stflow_lib"
WINGS = ["finegrained", "gridflow", "speedgraph"]
FLOORS = [  # a room imports from its own floor's room and from the floors below
    {"data", "kernels"}, {"training"}, {"runs"}, set(WINGS), {"verdicts"}, {"book"}, {"__main__"},
]  # fmt: skip
ROOMS = set().union(*FLOORS)
PAPER = {"finegrained": "urbanstc", "gridflow": "stbat", "speedgraph": "tsjt"}
SLOTS = [  # inside a wing, in the same sense; the paper's own package stands beside `baselines`
    {"problem"}, {"networks"}, {"training"}, {"baselines", *PAPER.values()}, {"beyond"}, {"plan"},
    {"ablations", "cost"}, {"tables"}, {"apply"},
]  # fmt: skip
STACKED = {  # a published method that is made of another one
    ("finegrained.baselines.deepsd", "finegrained.baselines.srcnn"),
    ("gridflow.baselines.metast", "gridflow.baselines.maml"),
}
DIALECT = {  # names of modules that told nobody anything
    "opening", "shelf", "steps", "walks", "tuning", "shown", "exact", "ahead", "card", "doubt",
    "clock", "derived", "registry", "prompting", "directions", "pretexts", "seen_days", "fresh",
    "utils", "util", "helpers", "common", "misc",
}  # fmt: skip
MEGABYTE = 2**20


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(LIBRARY.rglob("*.py"))}


def imported(name: str) -> set[str]:
    """Full names that a module imports, anywhere in it."""
    tree = ast.parse(MODULES[name].read_text())
    found = set()
    for node in ast.walk(tree):
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
    """Modules of the house among imported names, without `stflow_lib.`."""
    known = {name if name in MODULES else name.rpartition(".")[0] for name in names}
    return {name.partition(".")[2] for name in known & set(MODULES)} - {""}


def modules_of(part: str) -> list[str]:
    return [name for name in MODULES if f"{name}.".startswith(f"stflow_lib.{part}.")]


def room(module: str) -> str:
    return module.split(".")[0]


def level(floors: list[set[str]], name: str) -> int:
    return next(number for number, rooms in enumerate(floors) if name in rooms)


def test_nine_rooms():
    """What lies on the top level belongs to no room, and nobody finds it."""
    found = {p.name.removesuffix(".py") for p in LIBRARY.iterdir()} - {"__pycache__"}
    assert found == ROOMS | {"__init__", "py.typed"}


def test_arrows_between_rooms_go_down():
    """Kernels are timed on machines that have nothing else of ours, cities are made without
    methods, and a wing that imports another cannot be read, changed or timed alone."""
    for name in MODULES:
        own = room(name.partition(".")[2]) or "data"
        for other in {room(module) for module in house(imported(name))} - {own}:
            assert level(FLOORS, other) < level(FLOORS, own), f"{name} imports {other}"


def test_arrows_inside_a_wing_go_down():
    """A network that stands on a baseline drags that baseline's records along."""
    for wing in WINGS:
        for name in modules_of(wing):
            for other in house(imported(name)):
                if room(other) == wing and other.count("."):
                    assert goes_down(name.partition(".")[2], other), f"{name} imports {other}"


def goes_down(module: str, other: str) -> bool:
    if module.count(".") == 0 or (module, other) in STACKED:  # the wing's own __init__
        return True
    mine, its = module.split(".")[1], other.split(".")[1]
    same_row = module.split(".")[:3] == other.split(".")[:3]
    if mine == its == "baselines":
        return same_row or other.endswith(".rules")
    return mine == its or level(SLOTS, its) < level(SLOTS, mine)


def test_data_knows_no_tensors():
    """Cities are made and checked without torch, in seconds."""
    for name in modules_of("data"):
        outside = {other.split(".")[0] for other in imported(name)}
        assert not outside & {"torch", "triton", "einops"}, name


def test_no_circles():
    """A circle of imports breaks, or works by luck of who is first; those in functions count."""
    arrows = {n: {m for m in imported(n) if m in MODULES and m != n} for n in MODULES}
    for name, into in arrows.items():  # a package is there before the modules inside it
        arrows[name] = {m for m in into if not f"{name}.".startswith(f"{m}.")}
    settled: set[str] = set()
    while ready := {n for n in arrows if n not in settled and arrows[n] <= settled}:
        settled |= ready
    assert not sorted(set(arrows) - settled)


def test_modules_have_names_of_the_field():
    """A private dialect has to be learned, and a drawer for odds and ends is not looked into."""
    for name in MODULES:
        assert not set(name.split(".")) & DIALECT, name


def test_every_module_has_its_test():
    """Who changes a module looks for its test in the same place of tests/."""
    modules = {name.partition(".")[2] for name, path in MODULES.items()
               if not path.stem.startswith("_")}  # fmt: skip
    tests = {m: ROOT / "tests" / f"{'/'.join([*m.split('.')[:-1], 'test_' + m.split('.')[-1]])}.py"
             for m in modules}  # fmt: skip
    assert not {m for m, path in tests.items() if not path.exists()}


EXTRAS = {"book": ("book",), "kernels": ("gpu",)}  # rooms that may need more than everybody has
SHAPED = {"Float", "Int", "Bool", "Shaped", "Num", "Inexact", "Integer", "Real"}


@pytest.mark.parametrize("wing", WINGS)
def test_public_functions_of_wings_say_their_shapes(wing):
    """An annotation without a shape is checked by nothing."""
    bare = [f"{name}:{node.lineno} {node.name}" for name in modules_of(wing)
            for node in public_functions(ast.parse(MODULES[name].read_text()))
            if any(map(has_bare_tensor, annotations(node)))]  # fmt: skip
    assert not bare


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions and methods that a reader may call."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and node.name[0] != "_" else [node]
        yield from (n for n in inner if isinstance(n, ast.FunctionDef) and n.name[0] != "_")


def annotations(function: ast.FunctionDef) -> list[ast.expr]:
    arguments = [a for a in ast.walk(function.args) if isinstance(a, ast.arg)]
    found = [function.returns, *(argument.annotation for argument in arguments)]
    return [annotation for annotation in found if annotation is not None]


def has_bare_tensor(node: ast.AST) -> bool:
    """Whether `Tensor` stands in an annotation without a shape; what a Callable takes may."""
    if isinstance(node, ast.Subscript):
        kind = getattr(node.value, "id", "")
        return kind not in SHAPED | {"Callable"} and has_bare_tensor(node.slice)
    if isinstance(node, ast.Name):
        return node.id == "Tensor"
    return any(map(has_bare_tensor, ast.iter_child_nodes(node)))


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
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in pins}


def declared(*extras: str) -> dict[str, Requirement]:
    """Package -> requirement of pyproject.toml: what everybody gets, and some extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    found = [Requirement(line) for group in lines for line in group]
    return {canonicalize_name(one.name): one for one in found}


def test_the_lock_lies_in_the_ranges_of_pyproject():
    """`pip install stflow_lib` must allow the versions that `make` installs and tests try."""
    versions = locked()
    for name, wanted in declared("book", "test", "geo", "gpu").items():
        assert wanted.specifier.contains(versions[name]), f"{wanted}, locked {versions[name]}"


@pytest.mark.parametrize(("system", "machine", "has"), [
    ("Linux", "x86_64", True), ("Darwin", "arm64", False), ("Windows", "AMD64", False),
])  # fmt: skip
def test_triton_is_asked_for_only_where_it_exists(system, machine, has):
    """Its wheels are for Linux; elsewhere pip would find none and install nothing."""
    there = {"platform_system": system, "platform_machine": machine}
    assert declared("gpu")["triton"].marker.evaluate(there) == has
    lock = (ROOT / "requirements.lock").read_text()
    (line,) = re.findall("^triton==.*", lock, re.MULTILINE)
    assert Requirement(line).marker.evaluate(there) == has
    assert "triton" not in declared()


def test_every_import_is_a_declared_dependency():
    """A package that comes only with another one leaves when that one changes."""
    distribution = {"sklearn": "scikit-learn", "yaml": "pyyaml", "IPython": "ipykernel"}
    for name in MODULES:
        extras = EXTRAS.get(room(name.partition(".")[2]), ())
        outside = {m.split(".")[0] for m in imported(name)} - sys.stdlib_module_names
        for module in outside - {"stflow_lib", "__future__"}:
            wanted = distribution.get(module, module.lower().replace("_", "-"))
            assert wanted in declared(*extras), f"{name}: {module}"


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
