"""The source hash moves with the code that a method reaches, and with nothing else."""

import time

import pytest

from stflow_lib.runs.hashing import closure, source_hash

PACKAGE = {
    "__init__.py": "",
    "net.py": '"""Doc."""\nfrom stflow_lib.kernels import split\nfrom stflow_lib import fit\n',
    "fit.py": "def fit():\n    '''Doc.'''\n    from .metrics import rmse\n    return rmse\n",
    "metrics.py": "import torch\ndef rmse(): return 1\n",
    "plots.py": "COLOUR = 1\n",
    "kernels/__init__.py": "from stflow_lib.kernels.split import split\nfrom .other import extra, other\n",
    "kernels/split.py": "def split(): return 2\n",
    "kernels/other.py": "def other(): return 3\n",
    "kernels/twin.py": (
        "from stflow_lib.metrics import rmse\n"
        "def twin(): return _fast()\ndef _fast(): return 4\n"
        "@torch.no_grad()\ndef twin_naive(): return 4\ndef scale(): return twin() / 2\n"
    ),
    "user.py": "from stflow_lib.kernels.twin import twin\n",
    "data/__init__.py": "from stflow_lib.data.registry import load\nfrom .schema import block_sum\n",
    "data/registry.py": "from stflow_lib.data.readers import read\ndef load(): return 4\n",
    "data/readers.py": "def read(): return 5\n",
    "data/schema.py": "def block_sum(): return 6\n",
    "task.py": "from stflow_lib.data import block_sum, load\nimport stflow_lib.metrics as m\n",
    "thin.py": "from stflow_lib.kernels import extra\n",
    "wing/__init__.py": "from stflow_lib.wing import first, second\n",
    "wing/first.py": "from stflow_lib.wing import second\n",
    "wing/second.py": "from stflow_lib.metrics import rmse\n",
    "loose.py": "from stflow_lib.data import readers\nfrom stflow_lib import kernels\n",
}


@pytest.fixture
def package(tmp_path):
    for name, text in PACKAGE.items():
        (tmp_path / "pkg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pkg" / name).write_text(text)
    return tmp_path / "pkg"


def reached(package, *modules):
    return {
        n.removeprefix("stflow_lib.")
        for n in closure([f"stflow_lib.{m}" for m in modules], package)
    }


def test_closure_follows_names_to_where_they_are_defined(package):
    """Function-level and relative imports count; a package's door does not pull all of it in."""
    assert reached(package, "net") == {"net", "kernels.split", "fit", "metrics"}
    assert reached(package, "task") == {"task", "data.schema", "metrics"}
    assert reached(package, "thin") == {"thin", "kernels.other"}
    assert reached(package, "loose") == {
        "loose",
        "data.readers",
        "kernels",
        "kernels.split",
        "kernels.other",
    }


def test_closure_of_a_module_that_its_own_package_lists(package):
    """A door that names its own modules once sent the search round in circles."""
    assert reached(package, "wing.first") == {"wing.first", "wing.second", "metrics"}


@pytest.mark.parametrize(
    "file, text, moves",
    [
        ("metrics.py", "import torch\ndef rmse(): return 7\n", True),
        ("kernels/split.py", "def split(): return 8\n", True),
        ("fit.py", PACKAGE["fit.py"].replace("'''Doc.'''", "'''Better doc.'''  # note"), False),
        ("metrics.py", '"""New."""\n\nimport torch  # why\n\n\ndef rmse(): return 1\n', False),
        ("plots.py", "COLOUR = 2\n", False),
        ("kernels/other.py", "def other(): return 9\n", False),
    ],
)
def test_source_hash_moves_with_code_that_is_reached_and_with_nothing_else(
    package, file, text, moves
):
    before = source_hash("stflow_lib.net", root=package)
    time.sleep(0.01)  # file times are how a changed file is noticed
    (package / file).write_text(text)
    assert (source_hash("stflow_lib.net", root=package) != before) is moves


@pytest.mark.parametrize(
    "old, new, moves",
    [("def _fast(): return 4", "def _fast(): return 2 + 2", False),
     ("twin(): return _fast()", "twin(): return _faster()", False),
     ("metrics import rmse", "plots import COLOUR", False),
     ("twin_naive(): return 4", "twin_naive(): return 5", True),
     ("twin() / 2", "twin() / 3", True)],
)  # fmt: skip
def test_an_operation_enters_by_its_naive_twin(package, old, new, moves):
    """A faster kernel once made every record stale; what is proved equal need not."""
    file = package / "kernels" / "twin.py"
    before = source_hash("stflow_lib.user", root=package)
    time.sleep(0.01)
    file.write_text(PACKAGE["kernels/twin.py"].replace(old, new))
    assert old in PACKAGE["kernels/twin.py"]
    assert (source_hash("stflow_lib.user", root=package) != before) is moves
    assert closure(["stflow_lib.user"], package) == {
        "stflow_lib.user",
        "stflow_lib.kernels.twin",
    }


def test_source_hash_does_not_depend_on_the_order_of_modules(package):
    a, b = "stflow_lib.net", "stflow_lib.task"
    assert source_hash(a, b, root=package) == source_hash(b, a, root=package)


def test_the_real_closure_of_a_method_leaves_out_readers_and_plots():
    found = closure(["stflow_lib.finegrained.rules"])
    assert {"stflow_lib.fit", "stflow_lib.finegrained.task"} <= found
    assert not [n for n in found if n.startswith(("stflow_lib.runs", "stflow_lib.plots"))]
    assert (
        not {"stflow_lib.data", "stflow_lib.data.registry", "stflow_lib.finegrained.urbanstc"}
        & found
    )
