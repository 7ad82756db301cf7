"""Which modules a page can load, on small packages and on the house itself."""

import ast
import os
import subprocess
import sys

import pytest

from stflow_lib.book import imports

LOADER = "from importlib import import_module\nimport_module(f'stflow_lib.{x}')"


@pytest.fixture
def load(tmp_path):
    """load(page, {module file: text}) -> names of modules without `stflow_lib.`; wings a and b."""

    def found(page, files):
        for name, text in {"__init__.py": "", **files}.items():
            path = tmp_path / "stflow_lib" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        source = tmp_path / "page.py"
        source.write_text(page)
        names = imports.reached(source, imports.modules(tmp_path), ["a", "b"])
        return {name.removeprefix("stflow_lib.") for name in names} - {"stflow_lib"}

    return found


@pytest.mark.parametrize(
    "text",
    [
        "import stflow_lib.x.y",
        "import stflow_lib.x.y as z",
        "from stflow_lib.x import y",
        "from stflow_lib.x.y import name",
        "def f():\n    class C:\n        def g(self):\n            from stflow_lib.x import y",
        "if TYPE_CHECKING:\n    from stflow_lib.x import y",
    ],
)
def test_an_import_counts_wherever_it_stands(load, text):
    """What a method imports when it is called is in no list of loaded modules before."""
    files = {"x/__init__.py": "", "x/y.py": "name = 1", "x/other.py": ""}
    assert load(text, files) == {"x", "x.y"}


def test_imports_are_followed(load):
    """With a package's own imports, relative ones, and circles."""
    files = {
        "x/__init__.py": "from . import second",
        "x/first.py": "def f():\n    from stflow_lib.y import third",
        "x/second.py": "",
        "y/__init__.py": "",
        "y/third.py": "from ..x.first import f",
        "y/other.py": "",
    }
    assert load("from stflow_lib.x.first import f", files) == {
        "x", "x.first", "x.second", "y", "y.third"
    }  # fmt: skip


def test_a_wing_is_one(load):
    """Its methods are found by name, so what a page reaches of it says little."""
    files = {f"{wing}/{name}.py": "" for wing in "ab" for name in ("__init__", "m", "n")}
    assert load("from stflow_lib.a import m", files) == {"a", "a.m", "a.n"}
    assert load("judge('b')", files) == {"b", "b.m", "b.n"}


def test_without_a_name_all_wings_count(load):
    """Whoever makes runs, or goes through the papers, may mean each of them."""
    files = {f"{wing}/{name}.py": "" for wing in "ab" for name in ("__init__", "m")}
    files |= {"runs/run.py": LOADER, "claims.py": ""}
    files["book/glance.py"] = "from stflow_lib.claims import PAPERS\nlist(PAPERS)"
    assert {"a.m", "b.m"} <= load("import stflow_lib.runs.run", files)
    assert load("import stflow_lib.runs.run; f('a')", files) & {"a.m", "b.m"} == {"a.m"}
    assert {"a.m", "b.m"} <= load("f('a'); from stflow_lib.book import glance", files)


def test_who_loads_by_an_unknown_name_loads_all(load):
    """In doubt a page runs again."""
    files = {"x.py": LOADER, "y.py": "", "a/m.py": ""}
    assert load("from stflow_lib import x", files) == {"x", "y", "a.m"}
    assert load(LOADER, files) == {"x", "y", "a.m"}
    assert load("from stflow_lib import y", files) == {"y"}


def test_known_loaders_are_there(root):
    """A table of modules that have moved would silently say nothing."""
    known = imports.modules(root)
    assert imports.BY_NAME.keys() <= known.keys()
    for name in imports.BY_NAME:
        assert imports.read(known[name], name).names & imports.LOADERS, name


def test_nothing_that_is_loaded_is_missed(root):
    """What Python really loads for the page of a wing's results is found without loading it."""
    page = root / "notebooks/speedgraph/03_results.py"
    tree = ast.parse(page.read_text())
    needed = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    code = "\n".join([*map(ast.unparse, needed), "import sys; print(*sys.modules)"])
    here = {"cwd": root, "env": os.environ | {"PYTHONPATH": str(root)}}
    said = subprocess.check_output([sys.executable, "-c", code], text=True, **here)
    loaded = {name for name in said.split() if name.startswith("stflow_lib.")}
    found = imports.reached(page, imports.modules(root), ["finegrained", "speedgraph"])
    assert len(loaded) > 50 and loaded <= found
