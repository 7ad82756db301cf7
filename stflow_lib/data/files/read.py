"""Arrays and tables out of files; what is damaged, too large or foreign is named and refused."""

import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.csv_table import UTF8, WHAT, demand_numbers, line_of, parse_csv, utf8
from stflow_lib.data.files.open import (
    demand_size,
    member_bytes,
    named,
    need_file,
    open_member,
    open_zip,
    read_bytes,
)

__all__ = ["need_file", "open_member", "read_npy", "read_npz", "read_table", "real_numbers"]

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_table(path: Path, columns=(), numbers=(), **options) -> pd.DataFrame:
    """A csv or parquet table that must have `columns` and at least one row.

    numbers: columns that must be there and hold numbers or nothing, True for all. Options are
    those of pandas; csv text is UTF-8 unless `encoding` says otherwise. DataError names the
    line of a row that is not as long as the first, and of a value that is not a number.
    """
    if str(path).endswith(".parquet"):
        table, place = _parquet(path, **options), "row {}".format
    else:
        content = utf8(read_bytes(path), path, options.pop("encoding", UTF8))
        table = parse_csv(content, path, **options)
        header, sep = options.get("header", 0) is not None, options.get("sep", ",")
        place = lambda row: f"line {line_of(content, row, path, sep, header)}"
    every = numbers is True
    _demand_columns(table, [*columns, *(() if every else numbers)], path)
    demand_numbers(table, table.columns if every else numbers, path, place)
    return table


def _parquet(path: Path, **options) -> pd.DataFrame:
    with named(need_file(path), WHAT):
        about = pq.read_metadata(path)
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        demand_size(max(unpacked, 8 * about.num_rows * about.num_columns), path)
        return pd.read_parquet(path, **options)


def _demand_columns(table: pd.DataFrame, columns: list, path: Path) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing")
    if table.empty:
        raise DataError(f"{path}: empty file, no rows")


def read_npz(path: Path, keys=None) -> dict[str, np.ndarray]:
    """The arrays `keys` (all without) of an npz file; nothing pickled is ever opened."""
    with open_zip(need_file(path), path) as archive:
        held = {name.removesuffix(".npy"): name for name in archive.members}
        keys = list(held) if keys is None else keys
        missing = [key for key in keys if key not in held]
        if missing:
            raise DataError(f"{path}: array {missing[0]!r} is missing")
        demand_size(sum(archive.members[held[key]].file_size for key in keys), path)
        return {key: _array(archive.read(held[key]), f"{path}/{held[key]}") for key in keys}


def read_npy(path: Path, axes: tuple[int, ...] = ()) -> np.ndarray:
    """One npy file, or one inside a zip (`archive.zip` / member path); never a pickle.

    axes: how many it may have; where given, it must hold real numbers.
    """
    array = _array(member_bytes(path), path)
    return real_numbers(array, axes, path) if axes else array


def real_numbers(array: np.ndarray, axes: tuple[int, ...], where: Path | str) -> np.ndarray:
    """`array` itself; DataError unless it holds real numbers, along as many axes as allowed."""
    if array.dtype.kind not in "biuf":
        raise DataError(f"{where}: {array.dtype} where real numbers belong")
    if array.ndim not in axes:
        allowed = " or ".join(map(str, axes))
        raise DataError(f"{where}: shape {array.shape} where {allowed} axes belong")
    return array


def _array(content: bytearray, where: Path | str) -> np.ndarray:
    """The array that npy content holds, without a copy; its header must fit the length."""
    with named(where):
        shape, fortran, dtype, begin = _header(content, where)
        size, there = math.prod(shape) * dtype.itemsize, len(content) - begin
        if size != there:
            raise DataError(f"{where}: {dtype} of shape {shape} takes {size:,} bytes, "
                            f"{there:,} are there (truncated?)")  # fmt: skip
        order = "F" if fortran else "C"
        array = np.ndarray(shape, dtype, content, begin, order=order)
        return np.require(array, requirements=["A", "W"])


def _header(content: bytearray, where: Path | str) -> tuple:
    """Shape, Fortran order, dtype, and where the values begin."""
    if not content.startswith(np.lib.format.MAGIC_PREFIX):
        raise DataError(
            f"{where}: not readable: no npy file (it begins {bytes(content[:6])!r})"
        )
    start = io.BytesIO(content[: 2**16])
    version = np.lib.format.read_magic(start)
    if version not in HEADERS:
        raise DataError(f"{where}: npy version {version}, only 1.0 and 2.0 are read")
    shape, fortran, dtype = HEADERS[version](start)
    if dtype.hasobject:
        raise DataError(f"{where}: holds Python objects (a pickle), which are never opened")
    return shape, fortran, dtype, start.tell()
