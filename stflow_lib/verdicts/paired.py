"""Two groups of runs compared seed by seed, with 95 % intervals."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.runs import Run
from stflow_lib.runs.pair import target_of
from stflow_lib.verdicts import statistics
from stflow_lib.verdicts.evidence import value_of
from stflow_lib.verdicts.statistics import verdict

COLUMNS = ["metric", "city", "scarcity", "gain", "low", "high", "n", "verdict"]


def errors(group: Iterable[Run], metric: str) -> pd.Series:
    """Test errors of recorded runs by (city, scarcity, seed), collapsed runs left out.

    A metric is "rmse", or the name of a part such as "kind_3_rmse" where the records have it.
    """
    found = {_place(r): value_of(r, metric) for r in _not_collapsed(group)}
    return pd.Series(found, dtype=float).dropna()


def paired_gains(
    better: Iterable[Run], other: Iterable[Run], metrics: Iterable[str]
) -> pd.DataFrame:
    """How much lower the errors of `better` are, in percent of `other`'s mean error.

    One row per metric, city and amount of data: mean over the seeds that both have, its 95 %
    interval (NaN for one seed), the number of seeds, and the verdict: "confirmed" when the
    whole interval is above zero, "the opposite" when it is below, else "not confirmed".
    See `aligned` for what is compared with what.
    """
    better, other, lines = list(better), list(other), []
    for metric in metrics:
        mine, theirs = aligned(better, other, metric)
        if theirs.empty:
            continue
        for place, found in (theirs - mine).groupby(level=[0, 1], sort=False):
            scaled = 100 * found.to_numpy() / theirs[found.index].mean()
            low, high = statistics.interval(scaled)
            lines.append(
                (metric, *place, scaled.mean(), low, high, len(found), verdict(low, high))
            )
    return pd.DataFrame(lines, columns=COLUMNS)


def aligned(
    better: Iterable[Run], other: Iterable[Run], metric: str
) -> tuple[pd.Series, pd.Series]:
    """Errors of both at the places (city, scarcity, seed) that both have, in `other`'s order.

    A run on the target alone counts for every source, one without training for every seed.
    """
    better, other = list(better), list(other)
    places = [*errors(better, metric).index, *errors(other, metric).index]
    mine = _comparable_errors(better, metric, dict.fromkeys(places))
    theirs = _comparable_errors(other, metric, mine.index)
    return (mine[theirs.index], theirs) if len(theirs) else (theirs, theirs)


def _comparable_errors(group: list[Run], metric: str, places: Iterable[tuple]) -> pd.Series:
    """The group's errors at those of the places that its runs count for, in the group's order."""
    found: dict[tuple, float] = {}
    for record in _not_collapsed(group):
        value = value_of(record, metric)
        for place in () if np.isnan(value) else places:
            if _is_comparable(record, *place):
                found.setdefault(place, value)
    return pd.Series(found, dtype=float)


def _is_comparable(record: dict, city: str, scarcity: str, seed: int) -> bool:
    same = record["city"] in (city, target_of(city)) and record["scarcity"] == scarcity
    return same and (record["seed"] == seed or record["epochs"] == 0)


def _not_collapsed(group: Iterable[Run]) -> list[dict]:
    return [r for r in runs.records(group) if not r["notes"].get("collapsed")]


def _place(record: dict) -> tuple[str, str, int]:
    return record["city"], record["scarcity"], record["seed"]
