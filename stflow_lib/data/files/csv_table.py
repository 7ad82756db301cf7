"""Text tables, read strictly: every row as long as the first, every number a number."""

import codecs
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from stflow_lib.data.errors import DataError
from stflow_lib.data.files.open import BOM, named

WHAT = "not readable as a table"
UTF8 = "utf-8-sig"  # with or without a byte order mark


def parse_csv(
    content: bytes, where: str, header: int | None = 0, sep: str = ",", **options
) -> pd.DataFrame:
    """The table in UTF-8 text (see `utf8`); `where` names it, options are those of pandas.

    DataError names the line of a row that is longer or shorter than the first, and a column
    name that comes twice.
    """
    with named(where, WHAT):
        _demand_equal_rows(content, where, sep)
        if header is not None:
            demand_one_of_each(column_names(content, where, sep), where)
        source = io.BytesIO(content)
        return pd.read_csv(source, index_col=False, header=header, sep=sep, **options)


def utf8(content: bytes, where: str, encoding: str = UTF8) -> bytes:
    """`content` as UTF-8 without a byte order mark; DataError names the line and byte."""
    with named(where, WHAT):
        content = bytes(content)
        text = _decoded(content, where, encoding)
        content = content.removeprefix(BOM) if encoding == UTF8 else text.encode()
        if b"\0" in content:
            line = _line(content, content.index(b"\0"))
            raise DataError(f"{where}: line {line}: holds a NUL, which no text has")
        return content


def _decoded(content: bytes, where: str, encoding: str) -> str:
    try:
        return codecs.decode(content, encoding)
    except UnicodeDecodeError as error:
        place = f"line {_line(content, error.start)}, byte {error.start}"
        rule = f"{content[error.start]:#04x} is not {error.encoding} text; encoding='latin-1'?"
        raise DataError(f"{where}: {place}: {rule}") from error


def _line(content: bytes, at: int) -> int:
    """The line, as an editor counts, of a place in text; \\r, \\n and both end one."""
    return len(re.findall(rb"\r\n?|\n", content[:at])) + 1


def column_names(content: bytes, where: str, sep: str = ",") -> list[str]:
    """Fields of the first row that is not blank."""
    for _, fields in records(content, where, sep):
        return fields
    raise DataError(f"{where}: the file is empty")


def demand_one_of_each(names: Iterable[str], where: str) -> None:
    """DataError for the first name, empty ones apart, that comes twice."""
    seen: set[str] = set()
    for name in filter(None, names):
        if name in seen:
            raise DataError(f"{where}: column {name!r} comes twice")
        seen.add(name)


def records(content: bytes, where: str, sep: str = ",") -> Iterator[tuple[int, list[str]]]:
    """(line at which it begins, fields) of every row of UTF-8 text that is not blank."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    reader = csv.reader(text, delimiter=sep, strict=True)
    begin = 1
    with named(where, WHAT):
        while (fields := next(reader, None)) is not None:
            if len(fields) > 1 or "".join(fields).strip(" \t"):
                yield begin, fields
            begin = reader.line_num + 1


def line_of(content: bytes, row: int, where: str, sep: str = ",", header: bool = True) -> int:
    """The line, as an editor counts, at which row `row` of the table begins."""
    lines = (line for line, _ in records(content, where, sep))
    return next(itertools.islice(lines, row + header, None))


def _demand_equal_rows(content: bytes, where: str, sep: str) -> None:
    if _evenly_split(content, sep):
        return
    first = None
    for line, fields in records(content, where, sep):
        first = first or (line, len(fields))
        if len(fields) != first[1]:
            raise DataError(f"{where}: line {line} has {len(fields)} fields, "
                            f"line {first[0]} has {first[1]}")  # fmt: skip


def _evenly_split(content: bytes, sep: str) -> bool:
    """Whether all lines have equally many separators, quoted ones apart: seen without parsing.

    False means that a closer look is needed: blank lines, lone carriage returns, quotes inside
    of fields or lines that are not alike.
    """
    text = np.frombuffer(content.rstrip(b"\r\n") + b"\n", np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    returns = np.flatnonzero(text == ord("\r"))
    before = text[quotes[::2] - 1][quotes[::2] > 0]
    if len(quotes) % 2 or not np.isin(before, list(f'{sep}\n"'.encode())).all():
        return False
    if (text[returns + 1] != ord("\n")).any():
        return False
    ends, separators = (_outside(np.flatnonzero(text == ord(c)), quotes) for c in ("\n", sep))
    counts = np.diff(np.searchsorted(separators, ends), prepend=0)
    return counts[0] > 0 and bool((counts == counts[0]).all())


def _outside(places: np.ndarray, quotes: np.ndarray) -> np.ndarray:
    """The places that no pair of quotes encloses."""
    return places[np.searchsorted(quotes, places) % 2 == 0]


def demand_numbers(table: pd.DataFrame, names, where: str, place: Callable[[int], str]) -> None:
    """DataError for the first value in the columns `names` that is text; `place` says where."""
    for name in names:
        column = table[name]
        if column.dtype.kind in "iuf":
            continue
        strange = pd.to_numeric(column, errors="coerce").isna() & column.notna()
        row = int(np.argmax(strange))  # 0 where all are numbers, but of no type that holds them
        hint = " (a decimal comma?)" if "," in str(column.iloc[row]) else ""
        raise DataError(f"{where}: {place(row)}, column {name!r}: {column.iloc[row]!r} "
                        f"is not a number{hint}")  # fmt: skip
