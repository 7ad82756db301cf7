"""Names of transfers: sources before the arrow, the target behind it."""

from collections.abc import Mapping
from typing import TypeVar

from stflow_lib.data.errors import DataError

T = TypeVar("T")


def split_pair(name: str) -> tuple[tuple[str, ...], str]:
    """ "a+b>c" -> (("a", "b"), "c"); "c" -> ((), "c")."""
    sources, arrow, target = name.rpartition(">")
    if arrow and not all((*sources.split("+"), target)):
        raise DataError(f"{name!r}: want SOURCE>TARGET, SOURCE+SOURCE>TARGET or TARGET")
    return tuple(filter(None, sources.split("+"))), target


def target_of(name: str) -> str:
    """ "a+b>c" -> "c"; "c" -> "c"."""
    return split_pair(name)[1]


def named(kind: str, table: Mapping[str, T], name: str) -> T:
    """The entry of a name; DataError lists the names that exist."""
    if name not in table:
        raise DataError(f"{kind} {name!r}: there are {', '.join(table)}")
    return table[name]
