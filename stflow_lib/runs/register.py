"""A researcher's own method as a row beside the paper's, with sizes and hashed code."""

from collections.abc import Mapping

from stflow_lib.runs.profiles import PROFILES
from stflow_lib.runs.run import Run, RunError, wing_of
from stflow_lib.runs.settings import build_settings
from stflow_lib.training.method import Method
from stflow_lib.training.provenance.source_hash import read_anew

SIZES: dict[str, dict[str, dict[str, dict]]] = {}  # wing -> profile -> method -> overrides


def register_method(wing: str, method: Method, sizes: Mapping[str, Mapping]) -> None:
    """Make a method known to a wing in this process: to runs, forecasts and saved files.

    sizes: profile -> what differs there from the method's default settings, `{"lab": {}}` for
    none. The code is hashed wherever it lies in a file, what it imports from files beside it
    too; one typed into a notebook's cell has a hash that no other process has, so its records
    are made anew there. A second registration replaces the first. RunError for a name that the
    wing itself has, an unknown wing or profile, and settings that do not exist.
    """
    run = Run(wing, method.name, "", "", "", "", 0)
    methods = wing_of(run).METHODS
    if method.name in methods and method.name not in registered(wing):
        raise RunError(f"{wing}: {method.name!r} is a method of the book, take another name")
    unknown = sorted(set(sizes) - set(PROFILES))
    if unknown or not sizes:
        raise RunError(f"{method.name}: sizes {unknown or 'none'}, want {', '.join(PROFILES)}")
    for overrides in sizes.values():
        build_settings(method, overrides)
    for profiles in SIZES.get(wing, {}).values():
        profiles.pop(method.name, None)
    for profile, overrides in sizes.items():
        SIZES.setdefault(wing, {}).setdefault(profile, {})[method.name] = dict(overrides)
    methods[method.name] = method
    read_anew()


def registered(wing: str) -> set[str]:
    """Names of the methods that were registered in a wing."""
    return set().union(*SIZES.get(wing, {}).values())


def sizes_of(wing: str, profile: str) -> dict[str, dict]:
    """Overrides of registered methods at a profile."""
    return SIZES.get(wing, {}).get(profile, {})
