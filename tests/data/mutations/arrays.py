"""What happens to arrays: types, orders, shapes, steps and values."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np


def as_type(dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    """The same numbers in another type, wrapped around where they do not fit."""

    def change(a: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return a.astype(dtype)

    change.__name__ = f"as_{np.dtype(dtype).name}"
    return change


def other_byte_order(a):
    return a.astype(a.dtype.newbyteorder())


def by_columns(a):
    return np.asfortranarray(a)


def transposed(a):
    return a.T.copy()


def last_axes_swapped(a):
    if a.ndim < 3:
        raise ValueError("that is a transposed one")
    return a.swapaxes(-1, -2).copy()


def scalar(a):
    return np.array(a.flat[0])


def first_step_only(a):
    return a[0]


def one_step_kept(a):
    return a[:1]


def one_more_axis(a):
    return a[None]


def flat(a):
    return a.reshape(-1)


def one_less_in_last_axis(a):
    return a[..., :-1]


def step_missing(a):
    return np.delete(a, len(a) // 2, 0)


def step_twice(a):
    return np.insert(a, len(a) // 2, a[len(a) // 2], 0)


def steps_swapped(a):
    a[[1, 0]] = a[[0, 1]]
    return a


def structured(a):
    return np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")])


def no_value(a):
    return _put(a, "NaT" if a.dtype.kind == "M" else np.nan)


def infinite(a):
    return _put(a, np.inf)


def negative(a):
    return _put(a, -7)


def huge(a):
    return _put(a.astype(np.float64), 1e39)


def half(a):
    return _put(a.astype(np.float64), float(a.flat[a.size // 2]) + 0.5)


def all_missing(a):
    return a * np.nan


def all_zero(a):
    return a * 0


def in_thousands(a):
    return a * np.array(1000, a.dtype)


def _put(a, value):
    a.flat[a.size // 2] = np.array(value).astype(a.dtype) if a.dtype.kind == "M" else value
    return a


def stray_year(a):
    return _put(a, "1970-01-01")


def stamps_as_numbers(a):
    return a.astype("M8[s]").astype(np.int64)


def stamps_as_text(a):
    return a.astype("M8[s]").astype(str)


def stamps_in_ns(a):
    return a.astype("M8[ns]")


def step_of_six_minutes(a):
    return a[0] + (a - a[0]) * 6 // 5


SHAPES = [
    other_byte_order, by_columns, transposed, last_axes_swapped, scalar,
    first_step_only, one_step_kept, one_more_axis, flat, one_less_in_last_axis, step_missing,
    step_twice, steps_swapped, structured,
]  # fmt: skip
NUMBERS = [
    *map(as_type, ("u1", "f8", "c8", "O", "U", "M8[s]")),
    no_value, infinite, negative, huge, half, all_missing, all_zero, in_thousands,
]  # fmt: skip
TIMES = [no_value, stray_year, stamps_as_numbers, stamps_as_text, stamps_in_ns,
         step_of_six_minutes]  # fmt: skip


def changes_of(array: np.ndarray) -> list[Callable]:
    """The changes that suit an array of numbers or of time stamps."""
    return [*SHAPES, *(TIMES if array.dtype.kind == "M" else NUMBERS)]


def changed(change: Callable, array: np.ndarray) -> np.ndarray:
    """The changed array; LookupError where nothing changes or the change has no meaning."""
    try:
        after = change(array.copy())
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise LookupError(f"{change.__name__}: {error}") from error
    same = after.dtype == array.dtype and after.shape == array.shape
    if same and change is not by_columns and after.tobytes() == array.tobytes():
        raise LookupError(f"{change.__name__} changes nothing")
    return after


def of_npy(change: Callable) -> Callable:
    """The change as one of an npy file."""

    def on_file(path: Path, rng) -> None:
        np.save(path, changed(change, np.load(path)), allow_pickle=True)

    on_file.__name__ = change.__name__
    return on_file


def of_npz(change: Callable, key: str) -> Callable:
    """The change as one of the array `key` of an npz file."""

    def on_file(path: Path, rng) -> None:
        with np.load(path) as archive:
            arrays = dict(archive)
        np.savez(path, **{**arrays, key: changed(change, arrays[key])})

    on_file.__name__ = f"{key}_{change.__name__}"
    return on_file


def key_missing(key: str) -> Callable:
    """The array `key` left out."""

    def on_file(path: Path, rng) -> None:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files if name != key}
        np.savez(path, **arrays)

    on_file.__name__ = f"{key}_missing"
    return on_file


def claimed_shape(path: Path, rng) -> None:
    """A header that claims a hundred gigabytes."""
    out = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (25_000_000_000,)}
    np.lib.format.write_array_header_1_0(out, header)
    path.write_bytes(out.getvalue() + bytes(64))


def version_9(path: Path, rng) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:6] + b"\x09" + data[7:])


def code_in_header(path: Path, rng) -> None:
    path.write_bytes(path.read_bytes().replace(b"False", b"exit)", 1))


def of_file(path: Path) -> list[Callable]:
    """All changes of an npy or npz file."""
    if path.suffix == ".npy":
        more = [claimed_shape, version_9, code_in_header]
        return [*map(of_npy, changes_of(np.load(path))), *more]
    with np.load(path) as archive:
        arrays = dict(archive)
    changes = [of_npz(change, key) for key, a in arrays.items() for change in changes_of(a)]
    return [*changes, *map(key_missing, arrays)]
