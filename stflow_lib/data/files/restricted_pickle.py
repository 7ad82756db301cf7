"""Reading foreign pickles that hold arrays, without letting them run anything."""

import io
import itertools
import pickle
import pickletools
from pathlib import Path

import numpy as np

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import named, read_bytes

MOST_STEPS = 1_000_000  # of the pickle's program
DEEPEST = 8  # lists in lists
_rebuild = np.empty(0).__reduce__()[0]  # the function that rebuilds an empty array


class _Array:
    """Stands for numpy.ndarray, which a pickle may name but not call."""


def _reconstruct(kind: type, shape: tuple, code: bytes) -> np.ndarray:
    """The empty array that the pickle then fills; one of another shape would take memory."""
    if kind is not _Array or shape != (0,):
        raise DataError("pickle makes an array in another way than NumPy does: refused")
    return _rebuild(np.ndarray, shape, code)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Bytes that Python 3 wrote for old pickle protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise DataError(f"pickle: encoding {encoding!r} is not allowed")
    return text.encode("latin1")


ALLOWED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("_codecs", "encode"): _encode,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise DataError(f"pickle asks for {module}.{name}, which is not an array: refused")
        return ALLOWED[module, name]


def load_arrays(path: Path):
    """The lists, dictionaries, strings, numbers and NumPy arrays of the pickle at `path`.

    DataError when the pickle names anything else (it is refused before it runs), is broken, has
    over MOST_STEPS steps or nests lists deeper than DEEPEST.
    """
    content = read_bytes(path)
    with named(path, "not a readable pickle (truncated?)"):
        return loads_arrays(content)


def loads_arrays(content: bytes):
    """As `load_arrays`, of a pickle's bytes; whoever calls names the file."""
    _demand_modest(content)
    loaded = _ArraysOnly(io.BytesIO(content), encoding="latin1").load()
    _demand_shallow(loaded)
    return loaded


def _demand_modest(content: bytes) -> None:
    """DataError for too many steps, and for a place in memory that no program so short needs."""
    for step, (opcode, place, _) in enumerate(pickletools.genops(content)):
        if step == MOST_STEPS:
            raise DataError(f"pickle has more than {MOST_STEPS:,} steps: too large")
        if opcode.name.endswith("PUT") and place > len(content):
            raise DataError(f"pickle puts a value in place {place:,} of its memory: refused")


def _demand_shallow(loaded) -> None:
    """DataError for lists nested deeper than DEEPEST or in themselves, or too wide written out."""
    level = [loaded]
    for _ in range(DEEPEST):
        inner = (value for one in level for value in _inside(one))
        level = list(itertools.islice(inner, MOST_STEPS + 1))
        if not level:
            return
        if len(level) > MOST_STEPS:
            raise DataError(f"pickle holds more than {MOST_STEPS:,} values: too large")
    raise DataError(f"pickle nests lists deeper than {DEEPEST}: refused")


def _inside(value):
    """What a container holds that may be a container too; arrays of objects are refused."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        raise DataError("pickle holds an array of objects: refused")
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list | tuple | set | frozenset) else []
