"""The sizes of everything: what each notebook and each wing's tables run at which size.

`notebooks/profiles.yaml` has two parts: ``notebooks`` (page -> profile -> minutes, parameters)
and ``tables`` (wing -> profile -> cities, seeds, fractions, methods). An unknown name anywhere
in it is an error that says where.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from stflow_lib import ROOT
from stflow_lib.data.catalog import index
from stflow_lib.data.errors import DataError
from stflow_lib.runs.pair import split_pair
from stflow_lib.runs.run import Run, RunError, method_of
from stflow_lib.runs.settings import build_settings, merged
from stflow_lib.training.method import Method

PROFILES = ("smoke", "lab", "bench", "paper")
PAGES = ("smoke", "lab", "paper")  # sizes of a page: bench is one of tables only
FILE = ROOT / "notebooks" / "profiles.yaml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C is ten times as fast
_NOTEBOOK = {"minutes", "parameters"}
_TABLE = {"cities", "seeds", "fractions", "methods"}
_MORE = {"switches"}  # that a wing's Plan may have beside them


class ProfileError(ValueError):
    """A mistake in profiles.yaml, or a name that it does not have."""


def notebooks() -> list[str]:
    """Pages in the book's order, as paths inside notebooks/ without ``.py``."""
    return list(read(FILE)["notebooks"])


def wings() -> list[str]:
    """Wings that have tables."""
    return list(read(FILE)["tables"])


def notebook(name: str, profile: str) -> dict:
    """``{"minutes": budget, "parameters": {...}}`` of a page at a profile."""
    return _pick(read(FILE)["notebooks"], name, profile, "notebooks")


def table(wing: str, profile: str) -> dict:
    """``{"cities", "seeds", "fractions", "methods": {METHOD: setting overrides}}`` of a wing.

    Every city is one of the catalogue, and every override is checked against its method's
    settings class; ProfileError names the first that does not fit.
    """
    chosen = _pick(read(FILE)["tables"], wing, profile, "tables")
    _known_cities(chosen["cities"], ("tables", wing, profile, "cities"))
    for method, overrides in chosen["methods"].items():
        try:
            build_settings(method_of(Run(wing, method, "", "", "", profile, 0)), overrides)
        except RunError as error:
            place = ("tables", wing, profile, "methods", method)
            raise ProfileError(f"{_where(FILE, place)}: {error}") from None
    return chosen


def settings_of(wing: str, profile: str, method: Method, changes: Mapping = {}) -> Any:
    """A method's settings at a profile, its own where it has no size there, with `changes`."""
    sized = table(wing, profile)["methods"].get(method.name, {})
    return build_settings(method, merged(sized, dict(changes)))


def _known_cities(names: list[str], place: tuple[str, ...]) -> None:
    for name in names:
        try:
            sources, target = split_pair(name)
        except DataError as error:
            raise ProfileError(f"{_where(FILE, place)}: {error}") from None
        for city in (*sources, target):
            if city not in index.entries():
                raise ProfileError(f"{_where(FILE, place)}: the catalogue has no '{city}'")


@lru_cache
def read(path: Path) -> dict:
    """The file's content, checked: ProfileError names the file, the line and the place."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, LOADER)
        _each_key_once(tree)
        content = yaml.load(text, LOADER)
        _check(content)
    except _Mistake as error:
        raise ProfileError(f"{_where(path, error.place)}: {error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise ProfileError(f"{path.name}: {' '.join(str(error).split())}") from None
    return content


class _Mistake(Exception):
    """A mistake at a place in the file, the names that lead there."""

    def __init__(self, place: Sequence[str], words: str):
        super().__init__(words)
        self.place = place


def _where(path: Path, place: Sequence[str]) -> str:
    """ "profiles.yaml, line 3: tables.toy": the line of the last name that is written there."""
    node, line = yaml.compose(path.read_text(encoding="utf-8"), LOADER), 1
    for name in place:
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = [(key, value) for key, value in entries if key.value == name]
        if not found:
            break
        line, node = found[-1][0].start_mark.line + 1, found[-1][1]
    return ": ".join([f"{path.name}, line {line}", *filter(None, [".".join(place)])])


def _each_key_once(node: yaml.Node | None, place: tuple[str, ...] = ()) -> None:
    """Of a name that stands twice YAML keeps the last and says nothing."""
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            _each_key_once(inner, place)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                raise _Mistake((*place, name), f"'{name}' stands twice")
            seen.add(name)
            _each_key_once(value, (*place, name))


def _check(content) -> None:
    _keys(content, (), wanted={"notebooks", "tables"})
    for part, wanted, more in (("notebooks", _NOTEBOOK, set()), ("tables", _TABLE, _MORE)):
        _mapping(content[part], (part,))
        for name, sizes in content[part].items():
            _keys(sizes, (part, name), more=set(PROFILES))
            for profile, entry in sizes.items():
                where = (part, name, profile)
                _keys(entry, where, wanted, more)
                _values(part, entry, where)


def _keys(value, where: tuple, wanted=frozenset(), more=frozenset()) -> None:
    """All of `wanted` are there, some of `more` may be, nothing else is."""
    allowed = wanted | more
    if not isinstance(value, Mapping):
        raise _Mistake(where, f"{value!r} is no mapping")
    for name in value:
        if name not in allowed:
            raise _Mistake(
                (*where, str(name)), f"unknown '{name}', want {', '.join(sorted(allowed))}"
            )
    missing = sorted(wanted - set(value))
    if missing:
        raise _Mistake(where, f"'{missing[0]}' is missing")


def _values(part: str, entry: Mapping, where: tuple) -> None:
    if part == "notebooks":
        if not _is_number(entry["minutes"]) or not entry["minutes"] > 0:
            raise _Mistake((*where, "minutes"), f"{entry['minutes']!r} is no positive number")
        _mapping(entry["parameters"], (*where, "parameters"))
        return
    for name, (fits, words) in _LISTS.items():
        _list(entry[name], (*where, name), fits, words)
    for name in {"methods", *_MORE} & set(entry):
        _mapping(entry[name], (*where, name))
    for name, switch in entry.get("switches", {}).items():
        if not isinstance(switch, str):
            raise _Mistake((*where, "switches", name), f"{switch!r} is no text")
    for method, overrides in entry["methods"].items():
        _mapping(overrides, (*where, "methods", method))


def _list(values, where: tuple, fits: Callable, words: str) -> None:
    if not isinstance(values, list) or not values:
        raise _Mistake(where, f"{values!r} is no list with entries")
    for value in values:
        if not fits(value):
            raise _Mistake(where, f"{value!r} is no {words}")
        if values.count(value) > 1:
            raise _Mistake(where, f"{value!r} stands twice")


def _mapping(value, where: tuple) -> None:
    if not isinstance(value, Mapping):
        raise _Mistake(where, f"{value!r} is no mapping (write {{}} for nothing)")


def _is_number(value) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


_LISTS: dict[str, tuple[Callable, str]] = {
    "cities": (lambda v: isinstance(v, str) and bool(v.strip()), "name of a city"),
    "seeds": (lambda v: type(v) is int and v >= 0, "whole number from 0 on"),
    "fractions": (lambda v: _is_number(v) and v >= 0, "finite number from 0 on"),
}


def _pick(part: Mapping, name: str, profile: str, where: str) -> dict:
    if profile not in PROFILES:
        raise ProfileError(f"profile '{profile}': want {', '.join(PROFILES)}")
    if name not in part:
        raise ProfileError(f"{where}: no '{name}', there are {', '.join(part)}")
    if profile not in part[name]:
        raise ProfileError(f"{where}.{name}: nothing for profile '{profile}'")
    return part[name][profile]
