"""Errors by seed, and what they would have been on other days; intervals over both.

Seeds and calendar days are two crossed samples: every seed is judged on every day. The variance
of a mean over seeds is the sum of what each contributes, with the other held fixed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from stflow_lib.verdicts import statistics

DRAWS = 2000
FEW_DAYS = 10  # below it days are no sample that a bootstrap can be drawn from


@dataclass(frozen=True)
class Sample:
    """A quantity by seed; `drawn` [DRAWS, seed]: the same on days drawn with replacement.

    Draws of samples with the same `days` are of the same days, so differences stay paired;
    () where the records have no sums by day. `fixed`: nothing is trained, all seeds are one.
    """

    values: pd.Series
    days: tuple[str, ...] = ()
    drawn: np.ndarray | None = None
    fixed: bool = False

    def at(self, seeds: pd.Index) -> "Sample":
        """At some of its seeds; a fixed one has every seed."""
        rows = [0] * len(seeds) if self.fixed else self.values.index.get_indexer(seeds)
        drawn = None if self.drawn is None else self.drawn[:, rows]
        return replace(self, values=self.values.iloc[rows].set_axis(seeds), drawn=drawn)


class Interval(NamedTuple):
    """95 % interval of a mean over seeds, and the two variances that make it."""

    low: float
    high: float
    seeds: float  # variance of the mean that seeds contribute; NaN for one seed
    days: float  # and days; NaN where nothing is known of them

    @property
    def share_of_days(self) -> float:
        """Share of the variance that days contribute, 0 to 1; NaN where it is not known."""
        total = self.seeds + self.days
        return self.days / total if total > 0 else np.nan


def value_of(record: dict, metric: str) -> float:
    """A metric of the record or a part of it, NaN if it has none; "params_m" in units of 2^20."""
    if metric == "params_m":
        return record["parameters"] / 2**20
    found = record.get(f"metric_{metric}", record.get(f"part_{metric}"))
    return np.nan if found is None else found


def sample(records: Mapping[int, dict], metric: str) -> Sample:
    """A metric of records by seed; a record that lacks it is left out."""
    known = {seed: r for seed, r in records.items() if not np.isnan(value_of(r, metric))}
    values = pd.Series({seed: value_of(r, metric) for seed, r in known.items()}, dtype=float)
    fixed = bool(known) and all(r["epochs"] == 0 for r in known.values())
    found = [resampled(r.get("days") or {}, metric) for r in known.values()]
    if len({days for days, _ in found}) != 1 or not found[0][0]:
        return Sample(values, fixed=fixed)
    return Sample(values, found[0][0], np.stack([drawn for _, drawn in found], 1), fixed)


def resampled(
    days: Mapping[str, Mapping[str, list[float]]], metric: str
) -> tuple[tuple[str, ...], np.ndarray]:
    """The days of a record's sums, in order, and the metric on draws of them.

    "rmse" and "mae" are pooled over the days of a draw for each layer, then the mean of the
    layers; "pickup_mae" is that of one layer. No days for what the sums do not hold.
    """
    layer, _, error = metric.rpartition("_")
    layers = sorted({name for sums in days.values() for name in sums if layer in ("", name)})
    if error not in ("rmse", "mae") or not layers or len(days) < 2:
        return (), np.empty(0)
    names = tuple(sorted(days))
    sums = np.array([[days[d].get(name, (0, 0, 0)) for name in layers] for d in names], float)
    count, absolute, squared = np.einsum("kd,dln->nkl", _weights(len(names)), sums)
    with np.errstate(invalid="ignore"):  # a draw without any reading of a layer
        errors = absolute / count if error == "mae" else np.sqrt(squared / count)
    return names, errors.mean(1)


@lru_cache
def _weights(days: int) -> np.ndarray:
    """How often each draw [DRAWS, days] has each day; always the same draws."""
    return np.random.default_rng(0).multinomial(days, np.full(days, 1 / days), DRAWS)


def combine(function: Callable[..., np.ndarray], *samples: Sample) -> Sample:
    """`function` of arrays [draw, seed], at the seeds that all samples have.

    Without the same days in all of them there are no draws.
    """
    fixed = all(one.fixed for one in samples)
    if any(one.values.empty for one in samples):
        return Sample(pd.Series(dtype=float))
    own = [one.values.index for one in samples if fixed or not one.fixed]
    seeds = own[0][[all(seed in index for index in own) for seed in own[0]]]
    parts = [one.at(seeds) for one in samples]
    values = pd.Series(function(*(p.values.to_numpy()[None] for p in parts))[0], seeds)
    days = samples[0].days if all(one.days == samples[0].days for one in samples) else ()
    drawn = function(*(part.drawn for part in parts)) if days else None
    return Sample(values, days, drawn, fixed)


def interval(found: Sample) -> Interval:
    """95 % interval of the mean of a sample, by seeds and days where both are known.

    The days' variance comes from the draws, the seeds' from their spread; Student's t has the
    degrees of freedom of the sum (Satterthwaite), and min(days, seeds) - 1 below ten days.
    Over seeds alone where the records hold no sums by day, over days alone where nothing is
    trained; NaN for a single seed, and for what has neither.
    """
    values, seeds, days = found.values.to_numpy(), len(found.values), len(found.days)
    across = 0.0 if found.fixed else values.var(ddof=1) / seeds if seeds > 1 else np.nan
    if found.drawn is None or not seeds:
        ends = (np.nan, np.nan) if found.fixed else statistics.interval(values)
        return Interval(*ends, across, np.nan)
    over = np.nanvar(found.drawn.mean(1)) * days / (days - 1)
    freedom: float = min(days, days if found.fixed else seeds) - 1
    if days >= FEW_DAYS and across + over:
        freedom = _satterthwaite(across, seeds, over, days)
    half = stats.t.ppf(0.975, freedom) * (across + over) ** 0.5
    return Interval(values.mean() - half, values.mean() + half, across, over)


def _satterthwaite(across: float, seeds: int, over: float, days: int) -> float:
    """Degrees of freedom of the sum of two variances, of a mean of seeds and one of days."""
    parts = across**2 / max(seeds - 1, 1) + over**2 / max(days - 1, 1)
    return (across + over) ** 2 / parts


def seeds_to_settle(found: Sample, margin: float, most: int = 1000) -> int | None:
    """Seeds from which an interval like this one would lie on one side of 0 or inside +-margin.

    The mean and both variances are taken as they are; None when `most` seeds do not suffice.
    """
    mean, have, days = abs(found.values.mean()), len(found.values), len(found.days)
    gap = max(mean, margin - mean)
    across, over = np.nan_to_num(interval(found)[2:])
    for seeds in range(max(have, 2), most + 1 if across else have):
        own = across * have / seeds
        freedom = _satterthwaite(own, seeds, over, days)
        if stats.t.ppf(0.975, freedom) * (own + over) ** 0.5 < gap:
            return seeds
    return None
