"""Reading foreign pickles that hold arrays, without letting them run anything."""

import io
import pickle
from pathlib import Path

import numpy as np

from stflow_lib.data.errors import DataError

_RECONSTRUCT = np.empty(0).__reduce__()[0]  # the function that rebuilds an empty array


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Bytes that Python 3 wrote for old pickle protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise DataError(f"pickle: encoding {encoding!r} is not allowed")
    return text.encode("latin1")


ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("_codecs", "encode"): _encode,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise DataError(f"pickle asks for {module}.{name}, which is not an array: refused")
        return ALLOWED[module, name]


def load_arrays(path: Path):
    """The lists, dictionaries, strings, numbers and NumPy arrays of the pickle at `path`.

    DataError when the pickle names anything else (it is refused before it runs) or is broken.
    """
    try:
        return _ArraysOnly(io.BytesIO(Path(path).read_bytes()), encoding="latin1").load()
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except Exception as error:  # a damaged pickle can fail in any way
        raise DataError(f"{path}: not a readable pickle (truncated?): {error}") from error
