"""Settings of a method, with what a profile changes in them."""

import dataclasses
import typing
from collections.abc import Mapping

from stflow_lib.runs.run import RunError
from stflow_lib.training.method import Method


def changed(method: Method, own: dict, changes: dict) -> dict:
    """`own` settings with `changes`; a change without effect leaves no trace in a run's key."""
    wanted = merged(own, changes)
    return own if build_settings(method, wanted) == build_settings(method, own) else wanted


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes`, level by level."""
    inner = {k: merged(base.get(k, {}), v) for k, v in changes.items() if isinstance(v, dict)}
    return {**base, **changes, **inner}


def build_settings(method, overrides: Mapping):
    """The method's settings with `overrides` applied; RunError on unknown names or wrong types.

    An override of a field that is itself a settings class names only what changes in it. Lists
    become tuples and whole numbers become floats where the field asks for it.
    """
    return _override(method.settings(), overrides, method.name)


def _override(settings, overrides: Mapping, where: str):
    kinds = typing.get_type_hints(type(settings))
    for name in overrides:
        if name not in kinds:
            known = ", ".join(kinds) or "none"
            raise RunError(f"{where}: no setting '{name}', it has {known}")
    values = {
        name: _convert(getattr(settings, name), value, kinds[name], f"{where}.{name}")
        for name, value in overrides.items()
    }
    return dataclasses.replace(settings, **values)


def _convert(default, value, kind, where: str):
    if dataclasses.is_dataclass(default) and isinstance(value, Mapping):
        return _override(default, value, where)
    if typing.get_origin(kind) is tuple and isinstance(value, list | tuple):
        return tuple(value)
    if kind is float and type(value) is int:
        return float(value)
    wanted = typing.get_origin(kind) or kind
    if isinstance(wanted, type) and (_differs(value, wanted)):
        hint = ": write 1.0e-3, not 1e-3, in YAML" if kind is float else ""
        raise RunError(f"{where}: {value!r} is no {wanted.__name__}{hint}")
    return value


def _differs(value, wanted: type) -> bool:
    return not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)
