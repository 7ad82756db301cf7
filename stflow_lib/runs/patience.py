"""Do trainings end too early? The same ones with twice the patience beside them."""

from collections.abc import Iterable

from stflow_lib.runs.plan import Plan
from stflow_lib.runs.table import Rows

PATIENT = "{}, twice the patience"


def patience_rows(
    plan: Plan,
    methods: Iterable[str],
    cities: Iterable[str],
    fractions: Iterable[int | float],
    seeds: Iterable[int] = (),
) -> Rows:
    """Each method as it is in the tables, then `PATIENT`; none that ends at fixed epochs."""
    place = list(cities), list(fractions), list(seeds)
    rows: Rows = {}
    for method in methods:
        if plan.has(method) and (changes := twice(plan.overrides(method))):
            rows[method] = plan.runs([method], *place)
            rows[PATIENT.format(method)] = plan.runs([method], *place, changes=changes)
    return rows


def twice(settings: dict) -> dict:
    """The `plateau` of every stage in nested settings doubled, as changes; {} without one."""
    found: dict = {}
    for name, value in settings.items():
        if name == "plateau" and value:
            found[name] = 2 * value
        elif isinstance(value, dict) and (inner := twice(value)):
            found[name] = inner
    return found
