"""A fingerprint that says whether a result still belongs to the code at hand.

The source hash covers the definitions that a method reaches: its fit, its settings, the wing's
`open_task` and `score`, and every function, class and constant that these name. Moving, importing
otherwise or rewording leaves every record fresh; a changed line of a reached definition makes the
method's records stale, and nothing else does. An operation with a naive twin enters by the twin:
tests hold the fast forms to it, so a faster kernel leaves the records fresh.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path

from stflow_lib.training.provenance.definitions import (
    HERE,
    PACKAGE,
    Place,
    file_of,
    module,
    reachable,
    trace,
)

KEPT: dict = {}  # what names of the package mean in this process, for all methods


def source_hash(starts: Iterable[Place], root: Path = HERE) -> str:
    """sha256 over the code of the definitions `starts` and of all that they reach.

    `root` is the folder of the package.
    """
    return _hash(reachable(starts, root).values())


def _hash(codes: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(codes)).encode()).hexdigest()


@lru_cache
def method_hash(method, *functions) -> str:
    """Source hash of a method and of the wing's functions that open its task and score it.

    Kept for the life of the process: the code in memory is the one read at the start, not the
    one that an editor has saved since. Code without a file gets a hash that no other process
    has, so its records are stale in every other one.
    """
    parts = [part for thing in (method, *functions) for part in _parts(thing)]
    given = [part for part in parts if not callable(part)]
    if not all(file_of(part.__module__) for part in parts if callable(part)):
        return f"unreadable-{uuid.uuid4().hex}"
    code = _hash(trace(list(starts(method, *functions)), HERE, KEPT).values())
    return hashlib.sha256(f"{code}{given}".encode()).hexdigest() if given else code


def read_anew() -> None:
    """Forget what is known of code outside the package: it may have been edited and imported
    again, which the package's own code is not while a process lives."""
    for key in [key for key in KEPT if key[0][0].partition(".")[0] != PACKAGE]:
        del KEPT[key]


def identity(method, *functions) -> str:
    """Where the source hash of a method begins, and the values that it is given, as text."""
    parts = [part for thing in (method, *functions) for part in _parts(thing)]
    given = [part for part in parts if not callable(part)]
    return repr((sorted(starts(method, *functions)), given))


def starts(method, *functions) -> set[Place]:
    """The definitions at which the source hash of a method begins."""
    parts = (part for thing in (method, *functions) for part in _parts(thing))
    return {_start(part) for part in parts if callable(part)}


def _parts(thing) -> Iterator:
    """Functions and classes of a method, and the values that partial objects give them."""
    if isinstance(thing, partial):
        for part in (thing.func, *thing.args, *thing.keywords.values()):
            yield from _parts(part)
    elif hasattr(thing, "settings"):
        yield from _parts(thing.train)
        yield from _parts(thing.settings)
    else:
        yield thing


def _start(function) -> Place:
    """Where a function or class is written; one made inside another by the outer one."""
    name = function.__qualname__.partition(".")[0]
    if name == "<lambda>":
        line, here = function.__code__.co_firstlineno, module(function.__module__)
        nodes = here.definitions.items() if here else ()
        name = next(name for name, found in nodes
                    if any(n.lineno <= line <= (n.end_lineno or 0) for n in found))  # fmt: skip
    return function.__module__, name
