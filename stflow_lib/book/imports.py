"""Which modules of the package a page can load: read from the code alone, nothing is imported.

An import counts wherever it stands, in functions and methods too, and with a module come the
packages around it. What is loaded by a name that is put together cannot be read off: `BY_NAME`
says of which package that is, and a module that is not named there counts as loading all.

Wings are loaded by name too, so each counts as a whole: one whose module is reached or whose name
stands as a text in the page or in a module of the book; all of them where these go through all
wings (`EVERY_WING`), or where runs are made and no wing is found.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import resolve_name
from pathlib import Path

PACKAGE = "stflow_lib"
BOOK, RUNS = f"{PACKAGE}.book.", f"{PACKAGE}.runs.run"
LOADERS = {"import_module", "__import__"}
EVERY_WING = {"PAPERS", "wings"}  # names of what goes through all wings
BY_NAME = {  # module that loads others by name -> their package; "": wings
    f"{PACKAGE}.kernels.backend": f"{PACKAGE}.kernels",
    f"{PACKAGE}.data.files.cache": f"{PACKAGE}.data",
    RUNS: "",
    f"{PACKAGE}.training.saved": "",
    f"{PACKAGE}.verdicts.compare": "",
    f"{PACKAGE}.verdicts.printed": "",
    f"{PACKAGE}.book.glance": "",
}

Modules = Mapping[str, Path]  # full name -> file


@dataclass(frozen=True)
class Source:
    """What a file says: full names that it imports, all names that it uses, and its texts."""

    imports: frozenset[str]
    names: frozenset[str]
    texts: frozenset[str]


def modules(root: Path) -> Modules:
    """All modules of the package in the folder `root`."""
    files = root.joinpath(PACKAGE).rglob("*.py")
    named = {".".join(path.relative_to(root).with_suffix("").parts): path for path in files}
    return {name.removesuffix(".__init__"): path for name, path in named.items()}


def reached(page: Path, known: Modules, wings: Collection[str]) -> set[str]:
    """Names of those of the `known` modules that the source `page` can load, wings as a whole."""
    full = {f"{PACKAGE}.{wing}" for wing in wings}
    found: set[str] = set()
    _follow(_leads_to("", read(page, ""), known, full), found, known, full)
    if RUNS in found and not found & full:
        _follow(full, found, known, full)
    return found


def _follow(queue, found: set[str], known: Modules, wings: Collection[str]) -> None:
    """Add to `found` what the names of the queue lead to."""
    queue = list(queue)
    while queue:
        name = queue.pop()
        if name in known and name not in found:
            found.add(name)
            queue += _leads_to(name, read(known[name], name), known, wings)


def _leads_to(
    name: str, source: Source, known: Modules, wings: Collection[str]
) -> Iterator[str]:
    yield from source.imports & known.keys()
    yield name.rpartition(".")[0]
    if name in wings:
        yield from _inside(name, known)
    if source.names & LOADERS and (package := BY_NAME.get(name, PACKAGE)):
        yield from _inside(package, known)
    if not name or name.startswith(BOOK):
        yield from wings if source.names & EVERY_WING else ()
        yield from {f"{PACKAGE}.{text}" for text in source.texts} & set(wings)


def _inside(package: str, known: Modules) -> Iterator[str]:
    return (name for name in known if name.startswith(f"{package}."))


def read(path: Path, name: str) -> Source:
    """What the file of the module `name` says; a page's name is empty."""
    return _read(path, name, path.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _read(path: Path, name: str, _changed: int) -> Source:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))))
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    imports = {found for node in nodes for found in _imports(node, package)}
    names = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    texts = {text for text in texts if isinstance(text, str)}
    return Source(frozenset(imports), frozenset(names), frozenset(texts))


def _imports(node: ast.AST, package: str) -> Iterator[str]:
    """Full names in an import statement; the last part may be a module or not."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        base = resolve_name("." * node.level + (node.module or ""), package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
