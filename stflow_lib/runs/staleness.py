"""Finding a run's record and judging whether code or data have moved on since."""

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace

from stflow_lib.runs import store
from stflow_lib.runs.failure import failed
from stflow_lib.runs.kept_hashes import code_of, kept_hash
from stflow_lib.runs.pair import split_pair
from stflow_lib.runs.publish import published
from stflow_lib.runs.run import Run, RunError, method_of, wing_of
from stflow_lib.training.provenance.definitions import HERE, file_of
from stflow_lib.training.provenance.source_hash import identity, method_hash, starts


def current_source(run: Run) -> str:
    """Source hash of the run's method, task and scoring as this process has them.

    RunError when the wing writes `open_task` or `score` in its ``__init__``, which imports
    every method: a change to one method would then make the records of all of them stale.
    """
    wing = wing_of(run)
    for function in (wing.open_task, wing.score):
        if function.__module__ == wing.__name__:
            name = f"{function.__module__}.{function.__name__}"
            raise RunError(f"{name}: belongs in a module of its own, not in __init__")
    return _source(method_of(run), wing.open_task, wing.score)


@lru_cache
def _source(method, *functions: Callable) -> str:
    """`method_hash`; of what the package itself defines, looked up where it was made before."""

    def made() -> str:
        return method_hash(method, *functions)

    files = [file_of(module) for module, _ in starts(method, *functions)]
    if not all(file and file.is_relative_to(HERE) for file in files):
        return made()
    return kept_hash((identity(method, *functions), code_of("")), (), made)


def is_stale(run: Run, record: dict) -> bool:
    """Whether the record was made by other code or other data than are here now.

    A city that is not here cannot contradict a record, so it does not make it stale.
    """
    try:
        if record["source_hash"] != current_source(run):
            return True
    except RunError:
        return True
    here = current_data(run)
    return here is not None and here != record["data_hash"]


def current_data(run: Run) -> str | None:
    """Content hash of the run's data as they are now; None when they are not here.

    A wing whose runs name more than one city says it itself, by a `data_hash(run)`.
    """
    own = getattr(wing_of(run), "data_hash", None)
    return own(run) if own else city_hash(run.city)


@lru_cache
def city_hash(name: str) -> str | None:
    """Content hash of a city that can be had without a download, else None."""
    from stflow_lib.data.catalog import index

    if (files := index.files_of(name)) is None:
        return None

    def opened() -> str:
        return index.load(name).attrs["sha256"]

    return kept_hash((name,), files, opened)


def find(run: Run) -> dict | None:
    """The run's best record with a field ``stale``, or None; nothing is computed.

    A fresh record of the store comes first, then the published one, then a stale one; its note
    ``collapsed`` says whether the training `failed`.
    """
    found = []
    for record in (store.read(run), published(run.wing).get(run.key)):
        if record is not None:
            notes = record["notes"] | ({"collapsed": True} if failed(record) else {})
            found.append({**record, "notes": notes, "stale": is_stale(run, record)})
            if not found[-1]["stale"]:
                return found[-1]
    return found[-1] if found else None


def state(run: Run) -> str:
    """One of "done", "stale", "missing"."""
    record = find(run)
    return "missing" if record is None else "stale" if record["stale"] else "done"


def transfer_hash(open_task: Callable, run) -> str | None:
    """Content hash of all cities of a run, as its task has them; None when one is not here."""
    return _hash(open_task, run.city, run.protocol, run.scarcity)


@cache
def _hash(open_task: Callable, city: str, protocol: str, scarcity: str) -> str | None:
    from stflow_lib.data.catalog import index

    sources, target = split_pair(city)
    if any(city_hash(name) is None for name in (*sources, target)):
        return None
    named = [path for name in (*sources, target) for path in index.files_of(name) or []]
    run = SimpleNamespace(city=city, protocol=protocol, scarcity=scarcity)

    def opened() -> str:
        return open_task(run).data_hash

    return kept_hash((*vars(run).values(), _source(open_task)), [*_all_files(), *named], opened)


@cache
def _all_files() -> list[Path]:
    """The catalogue's files that are here: a task may open cities that no run names."""
    from stflow_lib.data.catalog import index

    return sorted({path for entry in index.entries().values() for path in entry.files() or []})
