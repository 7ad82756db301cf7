"""What a definition is, and what it names."""

import pytest

from stflow_lib.training.provenance.definitions import (
    file_of,
    module,
    reachable,
    read,
    trace,
)

FILES = {
    "__init__.py": "",
    "door/__init__.py": "from stflow_lib.door.inner import inner\n",
    "door/inner.py": "def inner(): return beside()\ndef beside(): return 1\n",
    "shapes.py": (
        "from functools import singledispatch\n"
        "@singledispatch\ndef area(shape): raise TypeError\n"
        "@area.register\ndef _(shape: int): return square(shape)\n"
        "@area.register(str)\ndef _(shape): return 0\n"
        "def square(x): return x * x\n"
    ),
    "user.py": (
        "from stflow_lib.door import inner\nfrom stflow_lib import door, shapes\n"
        "SIZES = [n for n in (1, 2)]\nFIRST, REST = SIZES[0], SIZES[1:]\n"
        "def use(n): return inner(), shapes.area(n)\n"
        "def whole(): return door\n"
        "def late():\n    from stflow_lib.door.inner import beside as neighbour\n"
        "    return neighbour()\n"
        "class Kept:\n    'Doc.'\n    size: int = FIRST\n"
    ),
}  # fmt: skip


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def reached(package, name):
    found = reachable([("stflow_lib.user", name)], package)
    return {f"{home.removeprefix('stflow_lib.')}:{what}" for home, what in found}


def test_a_function_hides_the_module_of_its_name(package):
    """`from door import inner` is the function that the package passes on, not the file."""
    assert {"door.inner:inner", "door.inner:beside"} <= reached(package, "use")


def test_what_is_kept_of_one_trace_changes_no_other(package):
    """What one method reaches must not count as reached by the next."""
    kept = {}
    for name in ("REST", "late", "use", "Kept", "whole"):
        start = ("stflow_lib.user", name)
        assert trace([start], package, kept) == reachable([start], package)


def test_cases_of_a_dispatching_function_belong_to_it(package):
    """They are called `_`, so no name ever leads to them; two networks were not hashed."""
    assert {"shapes:area", "shapes:square"} <= reached(package, "use")
    text, _ = read(("stflow_lib.shapes", "area"), package)
    assert text.count("FunctionDef") == 3


def test_several_names_of_one_statement_and_imports_in_functions(package):
    assert reached(package, "REST") == {"user:REST", "user:FIRST", "user:SIZES"}
    assert reached(package, "late") == {"user:late", "door.inner:beside"}
    assert reached(package, "Kept") == {f"user:{n}" for n in ("Kept", "FIRST", "REST", "SIZES")}


def test_the_variable_of_a_comprehension_is_no_definition(package):
    """Every function with a local variable n would reach that list."""
    assert "n" not in module("stflow_lib.user", package).definitions
    assert "user:SIZES" not in reached(package, "use")


def test_text_has_neither_docstring_nor_imports(package):
    assert "Doc." not in read(("stflow_lib.user", "Kept"), package)[0]
    assert "neighbour" not in read(("stflow_lib.user", "late"), package)[0]


def test_modules_without_a_file_of_python_have_none():
    assert file_of("stflow_lib.nowhere") is None and file_of("math") is None
    with pytest.raises(FileNotFoundError, match="stflow_lib.nowhere"):
        read(("stflow_lib.nowhere", "x"))
