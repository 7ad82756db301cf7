"""The source hash moves with the definitions that a method reaches, and with nothing else."""

import importlib
import sys
import time
from functools import partial
from types import FunctionType

import pytest

from stflow_lib import runs
from stflow_lib.runs import execute
from stflow_lib.training.loop import TrainingState
from stflow_lib.training.method import count_parameters, require_sources
from stflow_lib.training.provenance.definitions import HERE, reachable
from stflow_lib.training.provenance.source_hash import method_hash, source_hash, starts

PACKAGE = {
    "__init__.py": "",
    "net.py": (
        "from stflow_lib.kernels import split\nfrom stflow_lib import fit as learning\n"
        "from stflow_lib.fit import RATE as rate\n"
        "class Size:\n    width: int = 3\n"
        "def fit(size: Size):\n    '''Doc.'''\n    return learning.train(split()), rate, Size()\n"
        "def beside(): return 1\n"
    ),
    "fit.py": (
        "RATE = 1\nOTHER = 2\n"
        "def train(x: int) -> int:\n"
        "    from .metrics import rmse\n    from .data import load\n    return rmse(x), load()\n"
    ),
    "metrics.py": "import torch\ndef rmse(x): return _root(x)\ndef _root(x): return x\n",
    "kernels/__init__.py": "from stflow_lib.kernels.split import split\nfrom .other import other\n",
    "kernels/split.py": (
        "from stflow_lib.metrics import rmse\n"
        "def split(): return _fast()\ndef _fast(): return 4\n"
        "@torch.no_grad()\ndef split_naive(): return scale()\ndef scale(): return 4\n"
    ),
    "kernels/other.py": "def other(): return 3\n",
    "data/__init__.py": "from stflow_lib.data.registry import load\n",
    "data/registry.py": "def load(): return 4\n",
    "moved.py": "",
}  # fmt: skip
NET = [("stflow_lib.net", "fit")]


@pytest.fixture
def package(tmp_path):
    for name, text in PACKAGE.items():
        (tmp_path / "pkg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pkg" / name).write_text(text)
    return tmp_path / "pkg"


def edit(package, file, old, new):
    """Change one file; file times are how a change is noticed."""
    time.sleep(0.01)
    text = (package / file).read_text()
    assert old in text
    (package / file).write_text(text.replace(old, new))


def test_names_are_followed_to_where_they_are_defined(package):
    """Through modules, aliases, doors of packages and imports inside functions; not into data,
    and into an operation by its naive twin."""
    found = {f"{m.removeprefix('stflow_lib.')}:{name}" for m, name in reachable(NET, package)}
    assert found == {
        "net:fit", "net:Size", "fit:train", "fit:RATE", "metrics:rmse", "metrics:_root",
        "kernels.split:split_naive", "kernels.split:scale",
    }  # fmt: skip


@pytest.mark.parametrize(
    "file, old, new, moves",
    [("net.py", "width: int = 3", "width: int = 4", True),
     ("fit.py", "RATE = 1", "RATE = 7", True),
     ("metrics.py", "def _root(x): return x", "def _root(x): return 2 * x", True),
     ("kernels/split.py", "return scale()", "return -scale()", True),
     ("kernels/split.py", "_fast(): return 4", "_fast(): return 2 + 2", False),
     ("kernels/split.py", "split(): return _fast()", "split(): return _faster()", False),
     ("net.py", "beside(): return 1", "beside(): return 2", False),
     ("fit.py", "OTHER = 2", "OTHER = 3", False),
     ("fit.py", "x: int) -> int", "x: float) -> float", False),
     ("net.py", "'''Doc.'''", "'''Better doc.'''  # note", False),
     ("net.py", "'''Doc.'''", "", False),
     ("net.py", "def beside", "@fit.register\ndef _(x: str): return 1\ndef beside", True),
     ("kernels/other.py", "return 3", "return 9", False),
     ("data/registry.py", "return 4", "return 5", False)],
)  # fmt: skip
def test_the_hash_moves_with_what_is_reached_and_with_nothing_else(
    package, file, old, new, moves
):
    """One renamed module once made 194 of 234 records stale, a faster kernel all of them."""
    before = source_hash(NET, package)
    edit(package, file, old, new)
    assert (source_hash(NET, package) != before) is moves


def test_moving_a_definition_and_its_imports_leaves_the_hash(package):
    """The house may be rearranged without touching a record."""
    before = source_hash(NET, package)
    edit(
        package, "metrics.py", "def _root(x): return x\n", "from .moved import _root as root\n"
    )
    edit(package, "metrics.py", "_root(x)", "root(x)")
    (package / "moved.py").write_text("def _root(x): return x\n")
    edit(
        package,
        "net.py",
        "from stflow_lib import fit as learning",
        "import stflow_lib.fit as f",
    )
    edit(package, "net.py", "learning.train", "f.train")
    assert source_hash(NET, package) == before


def test_the_order_of_starts_does_not_matter(package):
    more = [*NET, ("stflow_lib.net", "beside")]
    assert source_hash(more, package) == source_hash(more[::-1], package)
    assert source_hash(more, package) != source_hash(NET, package)


def own_method(folder, body):
    """A method written by a user in a file of its own."""
    (folder / "mine.py").write_text(
        f"def fit():\n    return helper()\ndef helper():\n    return {body}\n"
    )
    spec = importlib.util.spec_from_file_location(f"mine_{body}", folder / "mine.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fit


def test_a_method_outside_the_package_is_hashed_by_its_own_source(tmp_path):
    """Its records once stayed "done" after the code had changed."""
    hashes = [method_hash(own_method(tmp_path, body)) for body in ("1", "1+0", "2")]
    assert len(set(hashes)) == 3 and all(len(code) == 64 for code in hashes)


def test_a_method_without_a_file_is_fresh_for_nobody_else():
    """Typed into a console, its code cannot be read again."""
    first, second = (FunctionType((lambda: 1).__code__, {"__name__": "nowhere"}) for _ in "ab")
    assert method_hash(first).startswith("unreadable-")
    assert method_hash(first) == method_hash(first) != method_hash(second)


def test_values_that_a_partial_gives_count():
    """Previous hour and Yesterday are one function with another number."""
    one, two = (method_hash(partial(require_sources, n)) for n in (1, 2))
    assert one != two
    given = count_parameters, TrainingState
    assert len({method_hash(partial(require_sources, function)) for function in given}) == 2


WINGS = ["finegrained", "gridflow", "speedgraph"]
# Not followed: cities enter by their content, kernels by their naive twin, runs are the caller.
BESIDE = (
    "stflow_lib.data",
    "stflow_lib.kernels",
    "stflow_lib.runs",
    "stflow_lib.training.memory",
    "stflow_lib.training.provenance",
)


def executed(work) -> set[tuple[str, str]]:
    """Top-level definitions of the package whose code runs during `work()`.

    A trace function is told of calls of Python functions only; it returns nothing, so their
    lines run untraced.
    """
    seen, inside = set(), f"{HERE}/"

    def watch(frame, *_):
        code = frame.f_code
        if code.co_filename.startswith(inside):
            name = code.co_qualname.partition(".")[0]
            if name not in ("<module>", "<lambda>", "_"):  # _: a case of a dispatching function
                seen.add((frame.f_globals["__name__"], name))

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        work()
    finally:
        sys.settrace(before)
    return {
        place for place in seen if not f"{place[0]}.".startswith(tuple(f"{b}." for b in BESIDE))
    }


@pytest.mark.parametrize("wing", WINGS)
def test_every_function_that_a_smoke_run_executes_is_hashed(wing, tmp_path, monkeypatch):
    """A function that is reached in a way the hash cannot see would change results silently."""
    monkeypatch.setenv("STFLOW_RUNS", str(tmp_path))
    monkeypatch.setattr(execute, "evidence", lambda *_: {})  # stands beside the scores
    module = importlib.import_module(f"stflow_lib.{wing}")
    first = {}
    for name, table in module.TABLES.items():
        for run in table("smoke") if name != "steps" else ():
            first.setdefault(run.method, run)
    assert first
    for run in first.values():
        method = module.METHODS[run.method]
        hashed = set(reachable(starts(method, module.open_task, module.score)))
        ran = executed(lambda run=run: runs.compute(run))
        assert (module.score.__module__, module.score.__name__) in ran  # the watch was awake
        assert ran <= hashed, run.method
