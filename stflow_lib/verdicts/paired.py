"""Two groups of runs compared seed by seed and day by day, with 95 % intervals."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.runs import Run
from stflow_lib.runs.pair import target_of
from stflow_lib.verdicts.evidence import has_converged
from stflow_lib.verdicts.resampling import Sample, combine, interval, sample, value_of
from stflow_lib.verdicts.statistics import finding, verdict

COLUMNS = [
    "metric", "city", "scarcity", "gain", "low", "high", "n", "share_of_days", "so_far", "verdict",
]  # fmt: skip
Place = tuple[str, str, int]  # city, amount of data, seed
Pair = tuple[dict, dict]  # a record of either group


def errors(group: Iterable[Run], metric: str) -> pd.Series:
    """Test errors of recorded runs by (city, scarcity, seed), failed runs left out.

    A metric is "rmse", or the name of a part such as "kind_3_rmse" where the records have it.
    """
    found = {_place(r): value_of(r, metric) for r in _sound(group)}
    return pd.Series(found, dtype=float).dropna()


def paired_gains(
    better: Iterable[Run], other: Iterable[Run], metrics: Iterable[str]
) -> pd.DataFrame:
    """How much lower the errors of `better` are, in percent of `other`'s mean error.

    One row per metric, city and amount of data: mean over the seeds that both have, its 95 %
    interval over seeds and days (NaN for one seed; over seeds alone without sums by day), the
    number of seeds, the days' share of the variance, what the interval says as things are
    (``so_far``, one of `statistics.FINDINGS`), and the ``verdict``, which is that only for more
    than one seed of trainings that converged. See `aligned` for what is compared with what.
    """
    better, other, lines = list(better), list(other), []
    for metric in metrics:
        found = _pairs(better, other, metric)
        for place in dict.fromkeys(key[:2] for key in found):
            pairs = {seed: pair for (*at, seed), pair in found.items() if tuple(at) == place}
            lines.append((metric, *place, *_gain(pairs, metric)))
    return pd.DataFrame(lines, columns=COLUMNS)


def _gain(pairs: dict[int, Pair], metric: str) -> tuple:
    """The columns of `paired_gains` from the gain on."""
    mine, theirs = (
        sample({s: pair[side] for s, pair in pairs.items()}, metric) for side in (0, 1)
    )
    found = difference(mine, theirs)
    spread = interval(found)
    said, n = finding(spread.low, spread.high), len(found.values)
    converged = all(has_converged(record) for pair in pairs.values() for record in pair)
    word = verdict(said, enough=n > 1 or found.fixed, converged=converged)
    return found.values.mean(), *spread[:2], n, spread.share_of_days, said, word


def difference(mine: Sample, theirs: Sample) -> Sample:
    """By how much `mine` is lower, seed by seed, in percent of the mean of `theirs`."""
    return combine(lambda a, b: 100 * (b - a) / b.mean(1, keepdims=True), mine, theirs)


def aligned(
    better: Iterable[Run], other: Iterable[Run], metric: str
) -> tuple[pd.Series, pd.Series]:
    """Errors of both at the places (city, scarcity, seed) that both have, in `other`'s order.

    A run on the target alone counts for every source, one without training for every seed.
    """
    found = _pairs(list(better), list(other), metric)
    mine, theirs = (
        pd.Series({p: value_of(pair[side], metric) for p, pair in found.items()}, dtype=float)
        for side in (0, 1)
    )
    return mine, theirs


def _pairs(better: list[Run], other: list[Run], metric: str) -> dict[Place, Pair]:
    """The two records at each place that both groups have, in `other`'s order."""
    places = [*errors(better, metric).index, *errors(other, metric).index]
    mine = _comparable(better, metric, _with_all_seeds(places))
    theirs = _comparable(other, metric, mine)
    return {place: (mine[place], record) for place, record in theirs.items()}


def _with_all_seeds(places: Iterable[Place]) -> list[Place]:
    """Each city and amount of data with every seed that its target has there.

    What is not trained is recorded with one seed, and under a pair of cities if it reads sources.
    """
    seeds: dict[tuple[str, str], dict[int, None]] = {}
    cities: dict[tuple[str, str], None] = {}
    for city, amount, seed in places:
        seeds.setdefault((target_of(city), amount), {})[seed] = None
        cities[city, amount] = None
    return [(c, a, seed) for c, a in cities for seed in seeds[target_of(c), a]]


def _comparable(group: list[Run], metric: str, places: Iterable[Place]) -> dict[Place, dict]:
    """The record that counts for each of the places, in the group's order."""
    found: dict[Place, dict] = {}
    for record in _sound(group):
        lacks = np.isnan(value_of(record, metric))
        for place in () if lacks else places:
            if _is_comparable(record, *place):
                found.setdefault(place, record)
    return found


def _is_comparable(record: dict, city: str, scarcity: str, seed: int) -> bool:
    same = record["city"] in (city, target_of(city)) and record["scarcity"] == scarcity
    return same and (record["seed"] == seed or record["epochs"] == 0)


def _sound(group: Iterable[Run]) -> list[dict]:
    return [r for r in runs.records(group) if not r["notes"].get("collapsed")]


def _place(record: dict) -> Place:
    return record["city"], record["scarcity"], record["seed"]
