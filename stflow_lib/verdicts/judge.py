"""Paper against ours: each claim of a paper as a row, and the verdict of our runs on it.

`book/claims/<paper>.csv` holds the claims, `book/claims/reported_<paper>.csv` every number that
the paper prints. Kinds of claims:

- ``number``: an error on the paper's own data; ours must lie within ``tolerance`` of ``value``.
- ``gain``: percent by which ``method`` beats ``other`` on the paper's own data, likewise;
  "second best" is the best of the other methods in the claim's table.
- ``order``: ``method`` has a lower error than ``other``, on any city.
- ``trend``: its gain over ``other`` is larger with less data ("20>100"), on any city.

An amount "3<0" compares ``method`` with three days of data and ``other`` with none.

Counts of parameters ("params_m") are judged without data, on networks of the paper's size.

A method is a name of the wing's METHODS, or "table7:reg" for a row that is more than that.
A number is never judged by stand-in data, an order or trend always says on which city it was.
Smoke runs are no evidence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from stflow_lib.data.catalog import index
from stflow_lib.runs.pair import split_pair
from stflow_lib.verdicts.claims import (
    _COLUMNS,
    DATASETS,
    FOLDER,
    PAPERS,
    SECOND,
    claims,
    reported,
)
from stflow_lib.verdicts.datasets import AVERAGES
from stflow_lib.verdicts.evidence import PROFILES, Evidence, collect
from stflow_lib.verdicts.printed import Numbers, parameter_count, printed_gain, printed_numbers
from stflow_lib.verdicts.resampling import Sample, combine, interval, seeds_to_settle
from stflow_lib.verdicts.statistics import (
    CONFIRMED,
    NO_DATA,
    NOT_RUN,
    OPEN,
    OPPOSITE,
    VERDICTS,
    finding,
    verdict,
)

__all__ = ["VERDICTS", "judge"]
_JUDGED = [
    "city", "profile", "ours", "interval_low", "interval_high", "n", "share_of_days", "stale",
    "note", "so_far", "verdict",
]  # fmt: skip
_FLOATS = ("value", "tolerance", "ours", "interval_low", "interval_high", "share_of_days")
_TYPES = dict.fromkeys(_FLOATS, float) | {"n": int, "stale": bool}
_NOTHING = (np.nan, np.nan, np.nan, 0, np.nan, False)
Side = tuple[tuple[str, str, str], str]  # (city, profile, amount of data), method or row


@dataclass(frozen=True)
class Compared:
    """What a claim compares: the quantity by seed, one percent of its unit, where it comes from."""

    sample: Sample
    used: list[Side]
    note: str = ""
    percent: float = 1.0


def judge(wing: str, evidence: Evidence | None = None) -> pd.DataFrame:
    """The claims of the wing's paper with our evidence, a row per claim and city.

    `evidence`: what `collect` found, where that is at hand.

    Added columns: ``city``; ``profile``, the best that has evidence; ``ours`` (the error for a
    number, percent for a gain, `other` minus `method` in flow units for an order, percentage
    points for a trend); ``interval_low``/``interval_high`` (95 %, over seeds and over days where
    records hold sums by day, paired where two methods are compared); ``n`` seeds;
    ``share_of_days`` in the variance; ``stale``; ``note``; ``so_far``, what the runs say as they
    are; ``verdict``, one of VERDICTS, which is ``so_far`` only for seeds and trainings enough.
    """
    frame, evidence = claims(PAPERS[wing]), collect(wing) if evidence is None else evidence
    numbers = printed_numbers(frame)
    rows = [
        (*row[1:], *found)
        for row in frame.itertuples()
        for found in _judgements(row, numbers, evidence, wing)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS + _JUDGED).astype(_TYPES)


def _judgements(claim: Any, numbers: Numbers, evidence: Evidence, wing: str) -> Iterator[tuple]:
    """A judgement for each city, by the best profile that has evidence there."""
    counted = _parameters(claim, wing) if claim.metric == "params_m" else Sample(_EMPTY)
    if len(counted.values):
        yield "", "", *_judged(claim, numbers, Compared(counted, []), evidence)
        return
    for city, known in _places(claim, evidence).items():
        for profile in known:
            compared = _KINDS[claim.kind](claim, evidence, city, profile)
            if len(compared.sample.values):
                break
        yield city, profile, *_judged(claim, numbers, compared, evidence)


_EMPTY = pd.Series(dtype=float)


def _parameters(claim: Any, wing: str) -> Sample:
    """The count of a number, or by how many fewer `method` has: the same with every seed."""
    order = claim.kind == "order"
    ours = parameter_count(wing, claim.method, whole=order)
    ours = parameter_count(wing, claim.other, whole=True) - ours if order else ours
    return Sample(pd.Series([ours], dtype=float).dropna(), fixed=True)


def _places(claim: Any, evidence: Evidence) -> dict[str, list[str]]:
    """Cities on which a claim is judged, those that have both methods if any; profiles of each,
    the best first."""
    if claim.dataset == "any":
        compared = {claim.method, claim.other}
        both = [place for place, names in evidence.cities.items() if compared <= names.keys()]
        places = both or list(evidence.cities) or [("", "")]
    else:
        city = DATASETS[claim.dataset]
        places = [*evidence.cities, *(place[:2] for place in evidence)]
        places = [place for place in places if place[0] == city] or [(city, "")]
    known = {city: {profile for c, profile in places if c == city} for city, _ in places}
    return {city: sorted(own, key=("", *PROFILES).index)[::-1] for city, own in known.items()}


def _judged(claim: Any, numbers: Numbers, found: Compared, evidence: Evidence) -> tuple:
    """The columns after city and profile."""
    values = found.sample.values
    if not len(values):
        word = NO_DATA if not _at_hand(claim.dataset) else NOT_RUN
        return *_NOTHING, found.note, "", word
    ours, spread = float(values.mean()), interval(found.sample)
    low, high = (ours, ours) if _is_exact(claim, found.sample) else spread[:2]
    said = _number_finding(claim, ours, low, high)
    if claim.dataset == "any":
        said = finding(low, high, found.percent)
    notes = [
        found.note,
        *_remarks(claim, numbers, found, said, high),
        _left_out(found, evidence),
    ]
    stale = any(r["stale"] for at, name in found.used for r in evidence[at][name].values())
    word = verdict(
        said,
        enough=found.sample.fixed or len(values) > 1,
        converged=all(evidence.converged(*side) for side in found.used),
    )
    notes_text = "; ".join(filter(None, notes))
    return ours, low, high, len(values), spread.share_of_days, stale, notes_text, said, word


def _is_exact(claim: Any, sample: Sample) -> bool:
    """Whether nothing could come out otherwise: a count, or a rule on the paper's own test days."""
    return sample.fixed and (claim.metric == "params_m" or claim.dataset != "any")


def _number_finding(claim: Any, ours: float, low: float, high: float) -> str:
    """What runs on the paper's own data say of a printed number or gain."""
    if abs(ours - claim.value) <= claim.tolerance:
        return CONFIRMED
    apart = high < claim.value - claim.tolerance or low > claim.value + claim.tolerance
    return OPPOSITE if apart else OPEN


def _remarks(
    claim: Any, numbers: Numbers, found: Compared, said: str, high: float
) -> Iterator[str]:
    """What the interval excludes, and what an open claim needs."""
    printed, size = np.nan, ""
    if claim.kind == "order" and claim.metric != "params_m":
        printed, high = printed_gain(numbers, claim), high / found.percent
        size = f" ({printed:.1f} % on average)"
    elif claim.kind == "gain":
        printed = claim.value - claim.tolerance
    if printed > 0 and high < printed:
        yield f"a gain of the printed size{size} is excluded"
    if said == OPEN and claim.dataset == "any":
        seeds = seeds_to_settle(found.sample, found.percent)
        yield (
            f"about {seeds} seeds would settle it"
            if seeds
            else "more seeds would not settle it"
        )


def _left_out(found: Compared, evidence: Evidence) -> str:
    failed = sum(len(evidence.collapsed.get((*at, name), ())) for at, name in found.used)
    return f"{failed} failed run(s) left out" if failed else ""


@lru_cache
def _at_hand(dataset: str) -> bool:
    """Whether the paper's own files are in the data folder; any city will do for an order."""
    if dataset == "any":
        return True
    names = AVERAGES.get(dataset) or (DATASETS[dataset],)
    pairs = [split_pair(name) for name in names]
    cities = [city for sources, target in pairs for city in (*sources, target)]
    return all(city and index.entries()[city].files() is not None for city in cities)


def _number(claim: Any, evidence: Evidence, city: str, profile: str) -> Compared:
    place = (city, profile, claim.fraction)
    found = evidence.sample(place, claim.method, claim.metric)
    used: list[Side] = [(place, claim.method)] if len(found.values) else []
    return Compared(found, used, "" if used else f"no runs of {claim.method}")


def _order(claim: Any, evidence: Evidence, city: str, profile: str) -> Compared:
    used = _sides(claim, city, profile, claim.fraction, claim.other)
    mine, theirs = _samples(evidence, used, claim.metric)
    found = combine(lambda a, b: b - a, mine, theirs)
    return Compared(found, used, _absent(evidence, used), theirs.values.mean() / 100)


def _gain(claim: Any, evidence: Evidence, city: str, profile: str) -> Compared:
    place = (city, profile, claim.fraction)
    other = claim.other if claim.other != SECOND else _second(claim, evidence, place)
    if other is None:
        return Compared(Sample(_EMPTY), [], "no runs of other methods")
    used = _sides(claim, city, profile, claim.fraction, other)
    found = combine(_percent, *_samples(evidence, used, claim.metric))
    return Compared(found, used, _absent(evidence, used) or other)


def _second(claim: Any, evidence: Evidence, place) -> str | None:
    """The best of the other methods in the claim's table; of all methods if we lack the table.

    What the paper does not print (a rule of ours in its table) is none of them.
    """
    table = evidence.tables.get(claim.source.lower().replace(" ", ""))
    printed = _printed(claim.paper)
    means = {
        m: evidence.sample(place, m, claim.metric).values.mean()
        for m in evidence.get(place, {})
        if m != claim.method and ":" not in m
        if (table is None or m in table) and (not printed or m in printed)
    }
    return min(means, key=means.__getitem__) if means else None


def _printed(paper: str) -> set[str]:
    """Names of the rows of the paper's tables; empty where its numbers are not carried over."""
    known = (FOLDER / f"reported_{paper}.csv").exists()
    return set(reported(paper)["method"]) if known else set()


def _trend(claim: Any, evidence: Evidence, city: str, profile: str) -> Compared:
    amounts = claim.fraction.split(">")
    less, more = (_sides(claim, city, profile, amount, claim.other) for amount in amounts)
    sides = [*_samples(evidence, less, claim.metric), *_samples(evidence, more, claim.metric)]
    found = combine(lambda a, b, c, d: _percent(a, b) - _percent(c, d), *sides)
    return Compared(found, less + more, _absent(evidence, less + more))


def _sides(claim: Any, city: str, profile: str, amount: str, other: str) -> list[Side]:
    """What an amount of data compares, "3" or "3<0": two sides."""
    mine, _, theirs = amount.partition("<")
    return [((city, profile, mine), claim.method), ((city, profile, theirs or mine), other)]


_KINDS = {"number": _number, "order": _order, "gain": _gain, "trend": _trend}


def _percent(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Gain of the first side over the second, percent, by seed."""
    return 100 * (theirs - mine) / theirs


def _samples(evidence: Evidence, used: list[Side], metric: str) -> list[Sample]:
    return [evidence.sample(place, name, metric) for place, name in used]


def _absent(evidence: Evidence, used: list[Side]) -> str:
    lacking = [name for place, name in used if name not in evidence.get(place, {})]
    return f"no runs of {', '.join(dict.fromkeys(lacking))}" if lacking else ""
