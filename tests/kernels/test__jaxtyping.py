"""Annotations where jaxtyping is not installed: they stand for anything, and nothing breaks."""

import subprocess
import sys

CODE = """
import importlib.util as u
find = u.find_spec
u.find_spec = lambda name, *a: None if name == "jaxtyping" else find(name, *a)
from typing import Any
import stflow_lib.kernels
import jaxtyping
assert not hasattr(jaxtyping, "__file__")
assert jaxtyping.Float["a b", "c"] is jaxtyping.Int[0] is jaxtyping.Bool[...] is Any
"""


def test_without_jaxtyping_every_shape_is_any():
    """A rented card has torch and triton alone: an import error would end the visit."""
    subprocess.run([sys.executable, "-c", CODE], check=True)


def test_with_jaxtyping_nothing_stands_in():
    """The stand-in once would have switched off every check of a shape."""
    code = "import stflow_lib.kernels, jaxtyping; assert jaxtyping.__file__"
    subprocess.run([sys.executable, "-c", code], check=True)
