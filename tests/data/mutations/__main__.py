"""Reads every mutation of every format in a process of its own, one line of JSON each.

`python -m mutations [FORMAT ...]`; the first line of a mutation names it before it is read, so
that whoever watches knows what a process died of.
"""

import hashlib
import json
import re
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from mutations import archives, arrays, damage, documents, hdf5, parquet, pickles, text
from mutations.formats import FORMATS, Format

from stflow_lib.data.catalog import index

SECONDS = 5  # of processor time for one reading
BYTES = 400 * 2**20  # that it may take beside what the process holds
PLACE = re.compile(
    r"\b(at|line|row|index|column|time|node|sensor|step|first|fix|shape"
    r"|flow|speed|adjacency|poi|external|lat|lon)\b"
)


class Hung(BaseException):
    """A reading that took too long; no `except Exception` catches it."""


def changes_of(path: Path, only: list | None) -> list:
    """All changes that suit the file; of those of tables of text, `only` these."""
    if path.suffix in (".csv", ".txt", ".tsv"):
        tables = text.changes_of(path) if only is None else only
        suited = [*map(text.applied, tables), *text.ENCODINGS]
    elif path.suffix in (".json", ".yaml"):
        suited = [*documents.WORDS, *text.ENCODINGS]
    elif path.suffix == ".npz":
        suited = [*arrays.of_file(path), *archives.of_file(path)]
    else:
        by_suffix = {".npy": arrays.of_file, ".zip": archives.of_file, ".h5": hdf5.of_h5,
                     ".pkl": pickles.of_pickle, ".parquet": parquet.of_parquet}  # fmt: skip
        suited = by_suffix[path.suffix](path)
    return [*damage.CHANGES, *suited]


def seed(name: str) -> np.random.Generator:
    """The generator of a mutation, from its name."""
    return np.random.default_rng(list(hashlib.sha256(name.encode()).digest()[:8]))


def timed_out(*_):
    raise Hung


def counts(attrs: dict) -> dict[str, int]:
    """The counts of a city that say what was left out."""
    totals = ("rides", "poi_places", "fixes")
    return {k: v for k, v in attrs.items() if isinstance(v, int) and k not in totals}


@contextmanager
def bounded():
    """SECONDS and BYTES for what is done inside: Hung or MemoryError where they do not do."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + BYTES, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def outcome(form: Format, folder: Path, known: dict) -> tuple[str, str]:
    """(class, message) of one reading: named, identical, counted, unnamed, foreign, hung or
    changed."""
    try:
        with bounded():
            city = form.read(folder)
    except Hung:
        return "hung", f"longer than {SECONDS} s"
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        if not type(error).__module__.startswith("stflow_lib"):
            return "foreign", message
        return (
            "named" if names_place(str(error), form, known["names"]) else "unnamed"
        ), message
    if city.attrs["sha256"] == known["sha256"]:
        return "identical", ""
    more = {k: v for k, v in counts(city.attrs).items() if v > known["counts"].get(k, 0)}
    return ("counted", str(more)) if more else ("changed", differences(city, known["city"]))


def names_place(message: str, form: Format, files: list[Path]) -> bool:
    """Whether a file is named, or its folder and which of its arrays, or the city and a place."""
    if any(path.name in message for path in files):
        return True
    words = set(re.findall(r"[A-Za-z0-9]+", message))
    for path in files:
        if path.parent.name in message and words & set(re.split("[_-]", path.stem)):
            return True
    cities = "|".join(map(re.escape, {form.name, *index.entries()}))
    named = re.search(rf"(?<![\w-])({cities})(?![\w-])", message)
    return bool(named and PLACE.search(message))


def differences(city, known) -> str:
    """Which variables are others, in words."""
    other = []
    for name in {*map(str, city.variables), *map(str, known.variables)}:
        if name not in city.variables or name not in known.variables:
            other.append(f"{name} is new or gone")
        elif city[name].shape != known[name].shape:
            other.append(f"{name} {known[name].shape} -> {city[name].shape}")
        elif not np.array_equal(city[name].values, known[name].values,
                                equal_nan=city[name].dtype.kind == "f"):  # fmt: skip
            other.append(name)
    return ", ".join(sorted(other))


def tell(**line) -> None:
    """One line for whoever watches."""
    print(json.dumps(line), flush=True)


def mutate(form: Format, skip: set[str]) -> None:
    """All mutations of one format."""
    with tempfile.TemporaryDirectory() as home:
        whole, work = Path(home) / "whole", Path(home) / "work"
        whole.mkdir()
        form.write(whole)
        for _ in range(2):
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(whole, work)
            city = form.read(work)
        names = [path for path in whole.rglob("*") if path.is_file()]
        known = {"sha256": city.attrs["sha256"], "counts": counts(city.attrs), "city": city,
                 "names": names}  # fmt: skip
        for file in form.files:
            for change in changes_of(whole / file, form.only):
                name = f"{form.name}/{Path(file).name}/{change.__name__}"
                if name in skip:
                    continue
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(whole, work)
                try:
                    change(work / file, seed(name))
                except (LookupError, ValueError, TypeError):
                    continue  # a change that this file has no place for
                tell(name=name)
                kind, message = outcome(form, work, known)
                tell(name=name, outcome=kind, message=message[:600])


def main(wanted: list[str]) -> None:
    """Every format, or those named; names on standard input are passed over."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, timed_out)
    skip = set(sys.stdin.read().split("\n"))
    for form in [*FORMATS, *documents.DOCUMENTS]:
        if not wanted or form.name in wanted:
            mutate(form, skip)


if __name__ == "__main__":
    main(sys.argv[1:])
