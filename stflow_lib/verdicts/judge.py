"""Paper against ours: each claim of a paper as a row, and the verdict of our runs on it.

`book/claims/<paper>.csv` holds the claims, `book/claims/reported_<paper>.csv` every number that
the paper prints. Kinds of claims:

- ``number``: an error on the paper's own data; ours must lie within ``tolerance`` of ``value``.
- ``gain``: percent by which ``method`` beats ``other`` on the paper's own data, likewise;
  "second best" is the best of the other methods in the claim's table.
- ``order``: ``method`` has a lower error than ``other``, on any city.
- ``trend``: its gain over ``other`` is larger with less data ("20>100"), on any city.

An amount "3<0" compares ``method`` with three days of data and ``other`` with none.

A method is a name of the wing's METHODS, or "table7:reg" for a row that is more than that.
A number is never judged by stand-in data, an order or trend always says on which city it was.
Smoke runs are no evidence.
"""

import numpy as np
import pandas as pd

from stflow_lib.verdicts.claims import (
    _COLUMNS,
    DATASETS,
    FOLDER,
    PAPERS,
    SECOND,
    claims,
    reported,
)
from stflow_lib.verdicts.evidence import Evidence, collect
from stflow_lib.verdicts.statistics import interval

VERDICTS = ("confirmed", "not confirmed", "not run")
_JUDGED = [
    "city", "profile", "ours", "interval_low", "interval_high", "n", "stale", "note", "verdict",
]  # fmt: skip
_FLOATS = ("value", "tolerance", "ours", "interval_low", "interval_high")
_TYPES = dict.fromkeys(_FLOATS, float) | {"n": int, "stale": bool}


def judge(wing: str) -> pd.DataFrame:
    """The claims of the wing's paper with our evidence, a row per claim, city and profile.

    Added columns: ``city``, ``profile``; ``ours`` (the error for a number, percent for a gain,
    `other` minus `method` in flow units for an order, percentage points for a trend);
    ``interval_low``/``interval_high`` (95 %, over seeds, paired where two methods are
    compared); ``n`` seeds; ``stale``; ``note``; ``verdict``. An order or trend is confirmed
    when its whole interval is above zero, so one seed cannot confirm it.
    """
    frame, evidence = claims(PAPERS[wing]), collect(wing)
    rows = [
        (*row[1:], *_verdict(row, evidence, city, profile))
        for row in frame.itertuples()
        for city, profile in _places(row, evidence)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS + _JUDGED).astype(_TYPES)


def _places(claim, evidence: Evidence) -> list[tuple[str, str]]:
    """Cities and profiles on which a claim is judged: those that have both methods, if any."""
    if claim.dataset == "any":
        compared = {claim.method, claim.other}
        both = [place for place, names in evidence.cities.items() if compared <= names.keys()]
        return both or list(evidence.cities) or [("", "")]
    city = DATASETS[claim.dataset]
    places = dict.fromkeys([*evidence.cities, *(place[:2] for place in evidence)])
    return [place for place in places if place[0] == city] or [(city, "")]


def _verdict(claim, evidence: Evidence, city: str, profile: str) -> tuple:
    values, note, used = _KINDS[claim.kind](claim, evidence, city, profile)
    if not len(values):
        return city, profile, np.nan, np.nan, np.nan, 0, False, note, "not run"
    ours, (low, high) = float(values.mean()), interval(values)
    if values.attrs.get("untrained"):
        low = high = ours
    if claim.dataset == "any":
        verdict = "not run" if np.isnan(low) else VERDICTS[0] if low > 0 else VERDICTS[1]
        note = note if len(values) > 1 else "one seed has no interval"
    else:
        verdict = VERDICTS[0] if abs(ours - claim.value) <= claim.tolerance else VERDICTS[1]
    left_out = sum(len(evidence.collapsed.get(key, ())) for key in used)
    stale = any(r["stale"] for *place, m in used for r in evidence[tuple(place)][m].values())
    note = "; ".join(
        filter(None, [note, f"{left_out} collapsed run(s) left out" if left_out else ""])
    )
    return city, profile, ours, low, high, len(values), stale, note, verdict


def _number(claim, evidence: Evidence, city: str, profile: str):
    place = (city, profile, claim.fraction)
    values = evidence.seeds(place, claim.method, claim.metric)
    values.attrs["untrained"] = evidence.untrained(place, claim.method)
    return values, "" if len(values) else f"no runs of {claim.method}", [(*place, claim.method)]


def _order(claim, evidence: Evidence, city: str, profile: str):
    used = _sides(claim, city, profile, claim.fraction, claim.other)
    mine, theirs = _paired(evidence, used, claim.metric)
    return theirs - mine, _absent(evidence, used), used


def _gain(claim, evidence: Evidence, city: str, profile: str):
    place = (city, profile, claim.fraction)
    other = claim.other if claim.other != SECOND else _second(claim, evidence, place)
    if other is None:
        return pd.Series(dtype=float), "no runs of other methods", []
    used = _sides(claim, city, profile, claim.fraction, other)
    return _percent(evidence, used, claim.metric), _absent(evidence, used) or other, used


def _second(claim, evidence: Evidence, place) -> str | None:
    """The best of the other methods in the claim's table; of all methods if we lack the table.

    What the paper does not print (a rule of ours in its table) is none of them.
    """
    table = evidence.tables.get(claim.source.lower().replace(" ", ""))
    printed = _printed(claim.paper)
    means = {
        m: evidence.seeds(place, m, claim.metric).mean()
        for m in evidence.get(place, {})
        if m != claim.method and ":" not in m
        if (table is None or m in table) and (not printed or m in printed)
    }
    return min(means, key=means.__getitem__) if means else None


def _printed(paper: str) -> set[str]:
    """Names of the rows of the paper's tables; empty where its numbers are not carried over."""
    known = (FOLDER / f"reported_{paper}.csv").exists()
    return set(reported(paper)["method"]) if known else set()


def _trend(claim, evidence: Evidence, city: str, profile: str):
    amounts = claim.fraction.split(">")
    less, more = (_sides(claim, city, profile, amount, claim.other) for amount in amounts)
    little, much = (_percent(evidence, used, claim.metric) for used in (less, more))
    return (little - much).dropna(), _absent(evidence, less + more), less + more


def _sides(claim, city: str, profile: str, amount: str, other: str) -> list[tuple]:
    """What an amount of data compares, "3" or "3<0": (city, profile, fraction, name) twice."""
    mine, _, theirs = amount.partition("<")
    return [(city, profile, mine, claim.method), (city, profile, theirs or mine, other)]


_KINDS = {"number": _number, "order": _order, "gain": _gain, "trend": _trend}


def _percent(evidence: Evidence, used: list[tuple], metric: str) -> pd.Series:
    """Gain of the first side over the second, percent, by seed."""
    mine, theirs = _paired(evidence, used, metric)
    return 100 * (theirs - mine) / theirs


def _paired(evidence: Evidence, used: list[tuple], metric: str):
    """The errors of two sides at the seeds that both have."""
    mine, theirs = (evidence.seeds(tuple(place), m, metric) for *place, m in used)
    *place, other = used[1]
    if len(theirs) and evidence.untrained(tuple(place), other):
        theirs = pd.Series(theirs.iloc[0], mine.index)
    both = mine.index.intersection(theirs.index)
    return mine[both], theirs[both]


def _absent(evidence: Evidence, used: list[tuple]) -> str:
    lacking = [m for *place, m in used if m not in evidence.get(tuple(place), {})]
    return f"no runs of {', '.join(dict.fromkeys(lacking))}" if lacking else ""
