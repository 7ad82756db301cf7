"""Fingerprints that say whether a record still belongs to the code, data and packages at hand.

The source hash covers a method's import closure inside stflow_lib, read from the syntax tree
without docstrings: rewording a comment leaves every record fresh, a changed line of code in any
module that the method reaches makes its records stale, and nothing else does. An operation
with a naive twin enters by the twin: tests hold the fast forms to it, so a faster kernel leaves
the records fresh.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

PACKAGE = "stflow_lib"
HERE = Path(__file__).resolve().parents[1]
LOCK_FILE = HERE.parent / "requirements.lock"

# A city enters a run by its content hash, so the code that loads it is not followed.
CITIES = f"{PACKAGE}.data"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
CITY_DOOR = frozenset({"load", "catalog", "fetch"})
KERNELS, TWIN = f"{PACKAGE}.kernels", "_naive"


def source_hash(*modules: str, root: Path = HERE) -> str:
    """sha256 over the code of `modules` and of everything in stflow_lib that they import.

    `root` is the folder of the package. Imports inside functions count. A package's
    ``__init__`` counts only for names that it defines itself; names that it passes on lead to
    the module that defines them.
    """
    digest = hashlib.sha256()
    for name in sorted(closure(modules, root)):
        digest.update(f"{name}\n{_code(name, root)}\n".encode())
    return digest.hexdigest()


def closure(modules, root: Path = HERE) -> set[str]:
    """Names of all modules inside stflow_lib that `modules` reach by import, themselves too."""
    seen, queue = set(), list(modules)
    while queue:
        name = queue.pop()
        if name not in seen and _file(name, root) is not None:
            seen.add(name)
            queue += _imports(name, root)
    return seen


@lru_cache
def method_hash(method, *functions) -> str:
    """Source hash of a method and of the wing's functions that open its task and score it.

    Kept for the life of the process: the code in memory is the one read at the start, not the
    one that an editor has saved since.
    """
    return source_hash(*sorted({m for f in (method, *functions) for m in _homes(f)}))


def lock_hash() -> str:
    """sha256 of requirements.lock; empty where the package is installed without it."""
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest() if LOCK_FILE.exists() else ""


@lru_cache
def city_hash(name: str) -> str | None:
    """Content hash of a city that can be had without a download, else None."""
    from stflow_lib.data import registry

    entry = registry.entries().get(name)
    return registry.load(name).attrs["sha256"] if entry and entry.files() is not None else None


def _homes(thing) -> set[str]:
    """Modules in which a method, or a function possibly wrapped by partial, is written."""
    if isinstance(thing, partial):
        parts = [thing.func, *thing.args, *thing.keywords.values()]
        return {m for part in parts if callable(part) for m in _homes(part)}
    if hasattr(thing, "fit"):
        return _homes(thing.fit) | _homes(thing.settings)
    return {thing.__module__}


def _file(name: str, root: Path) -> Path | None:
    """Where a module lives: under `root`, or where a module made by hand says; else None."""
    if name.split(".")[0] != PACKAGE:
        return None
    path = root.joinpath(*name.split(".")[1:])
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    made = getattr(sys.modules.get(name), "__file__", None)
    return Path(made) if made else None


def _imports(name: str, root: Path) -> Iterator[str]:
    for node in () if _twins(name, root) else ast.walk(_tree(_file(name, root))):
        if isinstance(node, ast.Import):
            yield from (_no_door(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(name, node, root)
            yield from (_origin(base, alias.name, root) for alias in node.names)


def _base(name: str, node: ast.ImportFrom, root: Path) -> str:
    """The module after `from`, with leading dots resolved against the importing module."""
    if not node.level:
        return node.module
    is_package = _file(name, root).name == "__init__.py"
    parts = name.split(".")[: len(name.split(".")) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def _origin(base: str, name: str, root: Path) -> str:
    """The module that `from base import name` takes `name` from."""
    if base == CITIES and name in CITY_DOOR:
        return f"{CITIES}.schema"
    file = _file(base, root)
    if file is not None and file.name == "__init__.py":
        for node in _tree(file).body:
            if isinstance(node, ast.ImportFrom):
                passed_on = {alias.asname or alias.name: alias.name for alias in node.names}
                source = _base(base, node, root)
                if name in passed_on and (source, passed_on[name]) != (base, name):
                    return _origin(source, passed_on[name], root)
    inner = f"{base}.{name}"
    return _no_door(inner if _file(inner, root) else base)


def _no_door(module: str) -> str:
    return f"{CITIES}.schema" if module == CITIES else module


def _tree(path: Path) -> ast.Module:
    return _parse(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _parse(path: Path, _changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _twins(name: str, root: Path) -> set[str]:
    """Naive twins of the operations in a module of the kernels."""
    if not name.startswith(f"{KERNELS}."):
        return set()
    return {f for f in _functions(_tree(_file(name, root))) if f.endswith(TWIN)}


def _functions(tree: ast.Module) -> dict[str, ast.stmt]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _code(name: str, root: Path) -> str:
    """The syntax tree as text, without docstrings; the same on Python 3.11 and 3.12."""
    tree = ast.parse(_file(name, root).read_text(encoding="utf-8"), name)
    if twins := _twins(name, root):
        proved = {twin.removesuffix(TWIN) for twin in twins}
        tree.body = [node for f, node in sorted(_functions(tree).items())
                     if f not in proved and not f.startswith("_")]  # fmt: skip
    for node in ast.walk(tree):
        if getattr(node, "type_params", None) == []:
            del node.type_params
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
