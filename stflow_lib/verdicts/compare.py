"""One's own methods beside the paper's: the table, and what each difference says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import pandas as pd

from stflow_lib.runs import Run, ensure_all, table
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.plan import Plan
from stflow_lib.runs.register import registered, sizes_of
from stflow_lib.runs.run import RunError
from stflow_lib.runs.table import NOT_RUN
from stflow_lib.verdicts.paired import paired_gains
from stflow_lib.verdicts.ranking import METRICS


@dataclass(frozen=True)
class Comparison:
    """table: errors, methods down; verdicts: for each method and rival a row of `paired_gains`."""

    table: pd.DataFrame
    verdicts: pd.DataFrame


def compare(
    methods: Sequence[str], cities: Iterable[str], seeds: Iterable[int] = (0, 1, 2), *,
    wing: str, against: Sequence[str] | None = None, profile: str = "lab",
    amount: int | float | None = None, train_rivals: bool = False,
) -> Comparison:  # fmt: skip
    """Train registered `methods`, and compare them with methods of the book.

    cities: as in the wing's tables, "source+source>target" of a transfer; against: names of
    METHODS, all of the profile unless given, those without a record are left out or, with
    `train_rivals`, trained; amount: of training data in the wing's unit, the first of the profile
    unless given. Nothing is published: tables of the paper stay as they are. RunError for a
    method without a size at this profile.
    """
    plan, cities, seeds = _plan(wing, profile), list(cities), list(seeds)
    if lacking := [method for method in methods if not plan.has(method)]:
        raise RunError(
            f"{wing}: {lacking[0]!r} has no size at {profile!r}; register_method first"
        )
    rivals = [m for m in against or plan.methods if m not in {*methods, *registered(wing)}]
    amounts = plan.fractions[:1] if amount is None else [amount]
    mine = {m: plan.runs([m], cities, amounts, seeds) for m in methods}
    theirs = {m: plan.runs([m], cities, amounts, seeds) for m in rivals}
    ensure_all(_joined(mine))
    ensure_all(_joined(theirs), train=train_rivals)
    metric = METRICS[wing]
    gains = [paired_gains(mine[m], theirs[r], [metric]).assign(method=m, rival=r)
             for m in methods for r in rivals]  # fmt: skip
    verdicts = pd.concat(gains, ignore_index=True) if gains else pd.DataFrame()
    laid_out = table(_joined(theirs) + _joined(mine), metric)
    return Comparison(_by_transfer(laid_out, cities), verdicts)


def _by_transfer(laid_out: pd.DataFrame, cities: list[str]) -> pd.DataFrame:
    """The table with the cities that were asked for: who learns on the target alone has its
    error in every transfer there."""
    at = laid_out.columns.names.index("city")
    for column in laid_out.columns:
        alone = (*column[:at], target_of(column[at]), *column[at + 1 :])
        if alone in laid_out.columns:
            known = laid_out[column] != NOT_RUN
            laid_out[column] = laid_out[column].where(known, laid_out[alone])
    return laid_out[[column for column in laid_out.columns if column[at] in cities]]


def _plan(wing: str, profile: str) -> Plan:
    """The wing's plan, with the sizes of registered methods."""
    try:
        plan = import_module(f"stflow_lib.{wing}.plan").Plan.of(profile)
    except ModuleNotFoundError:
        raise RunError(f"there is no wing {wing!r}") from None
    return replace(plan, methods={**plan.methods, **sizes_of(wing, profile)})


def _joined(groups: dict[str, list[Run]]) -> list[Run]:
    return list({run.key: run for runs in groups.values() for run in runs}.values())
