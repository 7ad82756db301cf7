"""Settings of a method, with what a profile changes in them."""

import dataclasses
import math
import typing
from collections.abc import Mapping
from functools import cache

from stflow_lib.runs.run import RunError
from stflow_lib.training.method import Method

POSITIVE = {"epochs", "batch", "learning_rate", "rate"}  # with zero of them nothing is learned


def changed(method: Method, own: dict, changes: dict) -> dict:
    """`own` settings with `changes`; a change without effect leaves no trace in a run's key."""
    wanted = merged(own, changes)
    return own if build_settings(method, wanted) == build_settings(method, own) else wanted


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes`, level by level."""
    inner = {k: merged(base.get(k, {}), v) for k, v in changes.items() if isinstance(v, dict)}
    return {**base, **changes, **inner}


def build_settings(method, overrides: Mapping):
    """The method's settings with `overrides` applied; RunError for what is no setting.

    That is: unknown names, wrong types, numbers that are negative or not finite, no epoch, batch
    or rate at all, and what the settings class itself refuses. An override of a field that is
    itself a settings class names only what changes in it. Lists become tuples and whole numbers
    become floats where the field asks for it.
    """
    return _override(method.settings(), overrides, method.name)


def _override(settings, overrides: Mapping, where: str):
    kinds = _kinds(settings.__class__)
    for name in overrides:
        if name not in kinds:
            known = ", ".join(kinds) or "none"
            raise RunError(f"{where}: no setting '{name}', it has {known}")
    values = {
        name: _convert(getattr(settings, name), value, kinds[name], f"{where}.{name}")
        for name, value in overrides.items()
    }
    try:
        return dataclasses.replace(settings, **values)
    except ValueError as error:
        raise RunError(f"{where}: {error}") from None


@cache
def _kinds(settings: type) -> dict[str, typing.Any]:
    return typing.get_type_hints(settings)


def _convert(default, value, kind, where: str):
    if dataclasses.is_dataclass(default):
        if not isinstance(value, Mapping):
            raise RunError(f"{where}: {value!r} is no mapping of settings")
        return _override(default, value, where)
    if typing.get_origin(kind) is tuple and isinstance(value, list | tuple):
        return _tuple(value, typing.get_args(kind), where)
    if kind is float and type(value) is int:
        value = float(value)
    wanted = typing.get_origin(kind) or kind
    if isinstance(wanted, type) and (_differs(value, wanted)):
        hint = ": write 1.0e-3, not 1e-3, in YAML" if kind is float else ""
        raise RunError(f"{where}: {value!r} is no {wanted.__name__}{hint}")
    return _in_range(value, where)


def _tuple(values, kinds: tuple, where: str) -> tuple:
    """The values, each of its kind: (float, ...) is any number of them."""
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(values)
    if len(kinds) != len(values):
        raise RunError(f"{where}: {len(values)} values, want {len(kinds)}")
    pairs = zip(values, kinds, strict=True)
    return tuple(_convert(None, v, kind, f"{where}[{n}]") for n, (v, kind) in enumerate(pairs))


def _in_range(value, where: str):
    """The value, if a number of it can be meant: no setting of the book is below zero."""
    if isinstance(value, int | float):
        positive = where.rpartition(".")[2] in POSITIVE
        if not math.isfinite(value) or value < 0 or (positive and not value):
            words = "a finite number above zero" if positive else "a finite number from zero on"
            raise RunError(f"{where}: {value!r}, want {words}")
    return value


def _differs(value, wanted: type) -> bool:
    return not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)
