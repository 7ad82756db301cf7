"""Opening files with errors that name them: tables, numpy archives, members of zip files."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from stflow_lib.data.errors import DataError


def need_file(path: Path) -> Path:
    """`path` when it exists and holds something, else DataError."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_file() and path.stat().st_size == 0:
        raise DataError(f"{path}: empty file")
    return path


def read_table(path: Path, columns=(), **options) -> pd.DataFrame:
    """A csv or parquet table that must have `columns` and at least one row."""
    need_file(path)
    reader = pd.read_parquet if str(path).endswith(".parquet") else pd.read_csv
    try:
        table = reader(path, **options)
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: not readable as a table: {error}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing")
    if table.empty:
        raise DataError(f"{path}: empty file, no rows")
    return table


def read_npz(path: Path, keys) -> dict[str, np.ndarray]:
    """The arrays `keys` of an npz file; nothing pickled is ever opened."""
    need_file(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in keys if key not in archive.files]
            if missing:
                raise DataError(f"{path}: array {missing[0]!r} is missing")
            return {key: archive[key] for key in keys}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise error if isinstance(error, DataError) else _unreadable(path, error) from error


def read_npy(path: Path) -> np.ndarray:
    """One npy file, or one inside a zip (`archive.zip` / member path); never a pickle."""
    try:
        return np.load(open_member(path), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise error if isinstance(error, DataError) else _unreadable(path, error) from error


def open_member(path: Path) -> io.BytesIO:
    """The bytes of a file, or of the member that `folder.zip/inner/name` points at.

    `folder/inner/name` is looked for first, then `inner/name`, at any depth, in `folder.zip`.
    """
    path = Path(path)
    if path.exists():
        return io.BytesIO(need_file(path).read_bytes())
    for parent in path.parents:
        if not parent.name:  # the root, or where the program was started
            break
        archive = parent.with_name(parent.name + ".zip")
        if archive.exists():
            return _from_zip(archive, path.relative_to(parent.parent), path)
    raise DataError(f"{path}: no such file, in its folder or in a zip of that name")


def _from_zip(archive: Path, inner: Path, asked: Path) -> io.BytesIO:
    try:
        with zipfile.ZipFile(need_file(archive)) as bundle:
            wanted = ("/" + inner.as_posix(), "/" + "/".join(inner.parts[1:]))
            for member in bundle.namelist():
                if ("/" + member).endswith(wanted):
                    return io.BytesIO(bundle.read(member))
    except zipfile.BadZipFile as error:
        raise _unreadable(archive, error) from error
    raise DataError(f"{archive}: holds no {'/'.join(inner.parts[1:])} (asked for {asked})")


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: not readable (truncated?): {error}")
