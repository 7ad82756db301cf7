"""The API reference: every public name, docstrings as their authors meant them."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from stflow_lib.book import api

PAGE = (Path(__file__).resolve().parents[2] / "book/api.md").read_text()
DOORS = ["data", "finegrained", "gridflow", "speedgraph", "runs", "kernels"]


@pytest.mark.parametrize("text, want", [
    ("`a*b` and a*b", r"``a*b`` and a\*b"), ("mean |e| of x_", r"mean \|e\| of x\_"),
    ("A :class:`Run` and ``x``.", "A :class:`Run` and ``x``."),
    ("an open ` only", r"an open \` only"),
    ("plain words", "plain words"),
])  # fmt: skip
def test_a_docstring_is_plain_text_with_code_in_backticks(text, want):
    """A bar or a star of a formula would start a link or italics, and end the build."""
    lines = [text]
    api.plain(None, "function", "f", None, None, lines)
    assert lines == [want]


@pytest.mark.parametrize("name", DOORS)
def test_public_names_of_a_room_are_shown(name):
    """`__all__` says what they are; Sphinx shows of them what has a docstring of its own."""
    assert f".. automodule:: stflow_lib.{name}\n   :members:\n   :imported-members:" in PAGE
    module = importlib.import_module(f"stflow_lib.{name}")
    shown = [getattr(module, one) for one in module.__all__]
    assert all(inspect.getdoc(one) for one in shown if callable(one))


@pytest.mark.parametrize("path", re.findall(r"auto(?:function|class):: (\S+)", PAGE))
def test_single_names_exist(path):
    module, _, name = path.rpartition(".")
    assert inspect.getdoc(getattr(importlib.import_module(module), name))
