"""Names of transfers: sources before the arrow, the target behind it."""

from stflow_lib.data.errors import DataError


def split_pair(name: str) -> tuple[tuple[str, ...], str]:
    """ "a+b>c" -> (("a", "b"), "c"); "c" -> ((), "c")."""
    sources, arrow, target = name.rpartition(">")
    if arrow and not all((*sources.split("+"), target)):
        raise DataError(f"{name!r}: want SOURCE>TARGET, SOURCE+SOURCE>TARGET or TARGET")
    return tuple(filter(None, sources.split("+"))), target
