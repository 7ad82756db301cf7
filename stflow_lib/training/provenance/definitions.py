"""Which definitions of the package a definition reaches, read from the syntax trees alone.

A definition is a function, class or constant at the top level of a module. Where it stands, how
it is imported and what its docstring says is no part of it.
"""

import ast
import pickle
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PACKAGE = "stflow_lib"
HERE = Path(__file__).resolve().parents[2]

# A city enters a run by its content hash, and what reads code changes no number: not followed.
BESIDE = (f"{PACKAGE}.data.", f"{PACKAGE}.training.provenance.")
KERNELS, TWIN = f"{PACKAGE}.kernels", "_naive"
DOCUMENTED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)
INSTALLED = tuple(sysconfig.get_paths()[kind] for kind in ("stdlib", "purelib", "platlib"))

Place = tuple[str, str]  # a module and the name of a definition at its top level


@dataclass(frozen=True)
class Module:
    """The statements behind each name that a module defines, and what it imports."""

    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, Place]  # local name -> (module, name); the name of `import m as x` is ""


def reachable(starts: Iterable[Place], root: Path = HERE) -> dict[Place, str]:
    """The definitions that `starts` name, directly or through others, themselves too: their text.

    `root` is the folder of the package. A name counts wherever it stands in a definition, so a
    local variable that is called like a definition of its module takes that one in too.
    """
    return trace(list(starts), root, {})


def trace(starts: list[Place], root: Path, kept: dict) -> dict[Place, str]:
    """As `reachable`; what was found out about a name is looked up in `kept`, and left there."""
    found, queue = {}, list(starts)
    ours = frozenset({PACKAGE} | {_top(module) for module, _ in queue})
    while queue:
        name = queue.pop()
        if (name, ours) not in kept:
            place = _origin(*name, root, ours)
            kept[name, ours] = place and (place, *read(place, root))
        if kept[name, ours] and kept[name, ours][0] not in found:
            place, found[place], named = kept[name, ours]
            queue += named
    return found


def read(place: Place, root: Path = HERE) -> tuple[str, set[Place]]:
    """A definition as text that no move changes, and what it names, still to be traced."""
    path = file_of(place[0], root)
    if path is None:
        raise FileNotFoundError(f"{place[0]}: a module without a file")
    return _read(place, path, root, path.stat().st_mtime_ns)


def file_of(name: str, root: Path = HERE) -> Path | None:
    """Where a module is written: under `root`, or where it was loaded from; None for neither."""
    if _top(name) == PACKAGE:
        path = root.joinpath(*name.split(".")[1:])
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    made = getattr(sys.modules.get(name), "__file__", None) or ""
    return Path(made) if made.endswith(".py") and Path(made).is_file() else None


def module(name: str, root: Path = HERE) -> Module | None:
    """The definitions and imports of a module; None where its file is not known."""
    path = file_of(name, root)
    return None if path is None else _parse(name, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _parse(name: str, path: Path, _changed: int) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    definitions: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for defined in _defines(node):
            definitions.setdefault(defined, []).append(node)
    return Module(definitions, dict(_imports(name, path, tree.body)))


def _defines(node: ast.stmt) -> set[str]:
    """The names that a statement binds; one case of a dispatching function belongs to that."""
    if isinstance(node, DOCUMENTED):
        return {_dispatcher(node) or node.name}
    if isinstance(node, IMPORTS):
        return set()
    loops = (n for n in ast.walk(node) if isinstance(n, ast.comprehension))
    inner = {id(name) for loop in loops for name in ast.walk(loop.target)}
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in inner)
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _dispatcher(node: ast.stmt) -> str | None:
    """The f of a function below `@f.register` or `@f.register(kind)`."""
    for decorator in getattr(node, "decorator_list", ()):
        mark = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(mark, ast.Attribute) and mark.attr == "register":
            if isinstance(mark.value, ast.Name):
                return mark.value.id
    return None


def _imports(name: str, path: Path, nodes: Iterable[ast.stmt]) -> Iterator[tuple[str, Place]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (
                (alias.asname, (alias.name, "")) for alias in node.names if alias.asname
            )
        elif isinstance(node, ast.ImportFrom):
            base = _base(name, path, node)
            yield from ((a.asname or a.name, (base, a.name)) for a in node.names)


def _base(name: str, path: Path, node: ast.ImportFrom) -> str:
    """The module after `from`, with leading dots resolved against the importing module."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + (path.name == "__init__.py")]
    return ".".join([*parts, node.module] if node.module else parts)


def _origin(home: str, name: str, root: Path, ours: frozenset[str]) -> Place | None:
    """The place that defines a name used in a module; None outside the code to be hashed."""
    here = module(home, root) if _is_followed(home, ours) else None
    if here is None:
        return None
    if name in here.definitions:
        twin = home.startswith(f"{KERNELS}.") and name + TWIN in here.definitions
        return home, name + TWIN * twin
    source = here.imports.get(name)
    return _origin(*source, root, ours) if source and source != (home, name) else None


def _is_followed(home: str, ours: frozenset[str]) -> bool:
    """Whether a module may hold code of a method: what is installed beside enters by the lock."""
    made = getattr(sys.modules.get(home), "__file__", None) or ""
    own = _top(home) in ours or (bool(made) and not made.startswith(INSTALLED))
    return own and not f"{home}.".startswith(BESIDE)


def _top(name: str) -> str:
    return name.partition(".")[0]


@lru_cache(maxsize=4096)
def _read(place: Place, path: Path, root: Path, changed: int) -> tuple[str, set[Place]]:
    home, name = place
    here = _parse(home, path, changed)
    nodes = pickle.loads(pickle.dumps(here.definitions[name]))  # a copy, and a quick one
    inside = [n for node in nodes for n in ast.walk(node) if isinstance(n, IMPORTS)]
    reader = _Reader(home, here.imports | dict(_imports(home, path, inside)), root)
    return "\n".join(ast.dump(reader.visit(node)) for node in nodes), reader.named


class _Reader(ast.NodeTransformer):
    """Leaves out docstrings, imports and annotations of functions, and writes names as their
    origin has them: `task.score` and `score as judge` become `score`."""

    def __init__(self, home: str, imports: dict[str, Place], root: Path):
        self.home, self.imports, self.root = home, imports, root
        self.named: set[Place] = set()

    def visit_Name(self, node: ast.Name) -> ast.Name:
        source = self.imports.get(node.id, (self.home, node.id))
        self.named.add(source)
        return ast.Name(source[1] or node.id, node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        source = self.imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if not source or not (inside := self._module_of(*source)):
            return self.generic_visit(node)
        self.named.add((inside, node.attr))
        return ast.Name(node.attr, node.ctx)

    def _module_of(self, home: str, name: str) -> str | None:
        """The package's module that an import binds, unless its package defines that name."""
        full = f"{home}.{name}".rstrip(".")
        if _top(full) != PACKAGE or file_of(full, self.root) is None:
            return None
        door = module(home, self.root) if name else None
        return None if door and _binds(door, home, name) else full

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, IMPORTS):
            return ast.Pass()
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if getattr(node, "type_params", None) == []:  # Python 3.12 has it, 3.11 has not
            delattr(node, "type_params")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _dispatcher(node):
            _drop_annotations(node)
        return super().generic_visit(node)


def _binds(door: Module, home: str, name: str) -> bool:
    """Whether a package defines a name or passes it on, and so hides its module of that name."""
    here = (home, name)
    return name in door.definitions or door.imports.get(name, here) != here


def _drop_annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    node.returns = None
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
