"""The sizes of everything: what each notebook and each wing's tables run at which size.

`notebooks/profiles.yaml` has two parts: ``notebooks`` (page -> profile -> minutes, parameters)
and ``tables`` (wing -> profile -> cities, seeds, fractions, methods). An unknown name anywhere
in it is an error that says where.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from stflow_lib import ROOT
from stflow_lib.runs.run import Run, RunError, method_of
from stflow_lib.runs.settings import build_settings

PROFILES = ("smoke", "lab", "bench", "paper")
PAGES = ("smoke", "lab", "paper")  # sizes of a page: bench is one of tables only
FILE = ROOT / "notebooks" / "profiles.yaml"
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

    Every override is checked against its method's settings class; ProfileError names the
    first that does not fit.
    """
    chosen = _pick(read(FILE)["tables"], wing, profile, "tables")
    for method, overrides in chosen["methods"].items():
        try:
            build_settings(method_of(Run(wing, method, "", "", "", profile, 0)), overrides)
        except RunError as error:
            raise ProfileError(f"tables.{wing}.{profile}.methods: {error}") from None
    return chosen


@lru_cache
def read(path: Path) -> dict:
    """The file's content, checked: ProfileError names the file, the place and the name."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    _keys(content, path.name, wanted={"notebooks", "tables"})
    for part, wanted, more in (("notebooks", _NOTEBOOK, set()), ("tables", _TABLE, _MORE)):
        for name, sizes in content[part].items():
            _keys(sizes, f"{path.name}: {part}.{name}", more=set(PROFILES))
            for profile, entry in sizes.items():
                where = f"{path.name}: {part}.{name}.{profile}"
                _keys(entry, where, wanted, more)
                _values(part, entry, where)
    return content


def _keys(value, where: str, wanted=frozenset(), more=frozenset()) -> None:
    """All of `wanted` are there, some of `more` may be, nothing else is."""
    allowed = wanted | more
    if not isinstance(value, Mapping):
        raise ProfileError(f"{where}: {value!r} is no mapping")
    for name in value:
        if name not in allowed:
            raise ProfileError(f"{where}: unknown '{name}', want {', '.join(sorted(allowed))}")
    missing = sorted(wanted - set(value))
    if missing:
        raise ProfileError(f"{where}: '{missing[0]}' is missing")


def _values(part: str, entry: Mapping, where: str) -> None:
    if part == "notebooks":
        if not isinstance(entry["minutes"], int | float) or not entry["minutes"] > 0:
            raise ProfileError(f"{where}.minutes: {entry['minutes']!r} is no positive number")
        _mapping(entry["parameters"], f"{where}.parameters")
        return
    for name in ("cities", "seeds", "fractions"):
        if not isinstance(entry[name], list) or not entry[name]:
            raise ProfileError(f"{where}.{name}: {entry[name]!r} is no list with entries")
    for name in {"methods", *_MORE} & set(entry):
        _mapping(entry[name], f"{where}.{name}")
    for method, overrides in entry["methods"].items():
        _mapping(overrides, f"{where}.methods.{method}")


def _mapping(value, where: str) -> None:
    if not isinstance(value, Mapping):
        raise ProfileError(f"{where}: {value!r} is no mapping (write {{}} for nothing)")


def _pick(part: Mapping, name: str, profile: str, where: str) -> dict:
    if profile not in PROFILES:
        raise ProfileError(f"profile '{profile}': want {', '.join(PROFILES)}")
    if name not in part:
        raise ProfileError(f"{where}: no '{name}', there are {', '.join(part)}")
    if profile not in part[name]:
        raise ProfileError(f"{where}.{name}: nothing for profile '{profile}'")
    return part[name][profile]
