"""Rows of a csv file that is kept by hand or by git, each with the line on which it begins."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import named

CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")  # what a merge leaves to be resolved


def rows(
    path: Path, columns: Callable[[list[str]], str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place, "FILE, line N", by the names of the header.

    `columns` says what is wrong with a header, "" for nothing. DataError names file and line of
    a row with more or fewer fields than the header, of a mark that a merge has left, of a NUL, of
    a name that the header has twice, and of text that is no csv.
    """
    line, names = 1, None
    with named(path, "not readable"), open(path, encoding="utf-8", newline="") as file:
        table = csv.reader(file, strict=True)
        try:
            for row in table:
                if names is None:
                    names = _header(row, columns)
                else:
                    yield f"{path}, line {line}", _named(names, row)
                line = table.line_num + 1
            if names is None:
                raise ValueError("an empty file, not even a header")
        except DataError:
            raise
        except (csv.Error, ValueError) as error:
            raise DataError(f"{path}, line {line}: {error}") from None


def _header(names: list[str], columns: Callable[[list[str]], str]) -> list[str]:
    _demand_text(names)
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"column {twice[0]!r} stands twice")
    if wrong := columns(names):
        raise ValueError(wrong)
    return names


def _named(names: list[str], row: list[str]) -> dict[str, str]:
    _demand_text(row)
    if len(row) != len(names):
        raise ValueError(f"{len(row)} fields, the header has {len(names)}")
    return dict(zip(names, row, strict=True))


def _demand_text(row: list[str]) -> None:
    if row and row[0].startswith(CONFLICT):
        raise ValueError("a merge conflict that is not resolved")
    if any("\0" in field for field in row):
        raise ValueError("holds a NUL, which no text has")
