"""The one way to change the type of numbers: a value that the new type cannot hold is an error."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from stflow_lib.data.errors import DataError


def exact(values: ArrayLike, dtype: DTypeLike, what: str) -> np.ndarray:
    """`values` as `dtype`, any shape, where whole numbers stay what they are.

    A float becomes an integer only when it is whole and finite; an integer becomes a float only
    when the float has a place for it; a float may be rounded to fewer digits, but not to infinity.
    DataError names `what`, the first index that would change, and its value.
    """
    given = np.asarray(values)
    want = np.dtype(dtype)
    if given.dtype.kind not in "biuf" or want.kind not in "biuf":
        raise DataError(f"{what}: {given.dtype} is no number that becomes {want}")
    if given.dtype == want:
        return given.copy()
    if want.kind == "b" and given.dtype.kind != "b":
        given = given.astype(np.float64)
    with np.errstate(all="ignore"):
        cast = given.astype(want)
    changed = np.atleast_1d(_changed(given, cast))
    if changed.any():
        at = tuple(map(int, np.unravel_index(int(changed.argmax()), changed.shape)))
        value = np.atleast_1d(given)[at]
        raise DataError(f"{what}: {value} at index {_place(at)} does not fit {want}")
    return cast


def _changed(given: np.ndarray, cast: np.ndarray) -> np.ndarray:
    """Where a value is not what it was, apart from a float's last digits."""
    if given.dtype.kind == "f" and cast.dtype.kind == "f":
        return np.isfinite(given) & ~np.isfinite(cast)
    with np.errstate(all="ignore"):
        back = cast.astype(given.dtype)
        other_sign = (cast < 0) != (given < 0)  # -1 to uint64 and back is -1 again
    return (back != given) | other_sign | ~np.isfinite(given)


def _place(at: tuple[int, ...]) -> str:
    return str(at[0]) if len(at) == 1 else str(at)
