"""A profile's settings of a method, changed for an ablation or a sweep."""

from stflow_lib.fit import Method
from stflow_lib.runs.run import build_settings


def changed(method: Method, own: dict, changes: dict) -> dict:
    """`own` settings with `changes`; a change without effect leaves no trace in a run's key."""
    wanted = merged(own, changes)
    return own if build_settings(method, wanted) == build_settings(method, own) else wanted


def merged(base: dict, changes: dict) -> dict:
    """`base` with `changes`, level by level."""
    inner = {k: merged(base.get(k, {}), v) for k, v in changes.items() if isinstance(v, dict)}
    return {**base, **changes, **inner}
