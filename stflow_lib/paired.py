"""Two groups of runs compared seed by seed, with 95 % intervals."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from stflow_lib import claims, runs
from stflow_lib.runs import Run

COLUMNS = ["metric", "city", "scarcity", "gain", "low", "high", "n", "verdict"]


def errors(group: Iterable[Run], metric: str) -> pd.Series:
    """Test errors of recorded runs by (city, scarcity, seed), collapsed runs left out."""
    found = [r for r in runs.records(group) if not r["notes"].get("collapsed")]
    keys = [(r["city"], r["scarcity"], r["seed"]) for r in found]
    values = [r[f"metric_{metric}"] for r in found]
    return pd.Series(dict(zip(keys, values, strict=True)), dtype=float)


def gains(better: Iterable[Run], other: Iterable[Run], metrics: Iterable[str]) -> pd.DataFrame:
    """How much lower the errors of `better` are, in percent of `other`'s mean error.

    One row per metric, city and amount of data: mean over the seeds that both have, its 95 %
    interval (NaN for one seed), the number of seeds, and the verdict: "confirmed" when the
    whole interval is above zero, "the opposite" when it is below, else "not confirmed".
    """
    better, other, lines = list(better), list(other), []
    for metric in metrics:
        mine, theirs = errors(better, metric), errors(other, metric)
        both = theirs.index[theirs.index.isin(mine.index)]
        if both.empty:
            continue
        for place, found in (theirs - mine)[both].groupby(level=[0, 1], sort=False):
            scaled = 100 * found.to_numpy() / theirs[found.index].mean()
            low, high = claims.interval(scaled)
            lines.append(
                (metric, *place, scaled.mean(), low, high, len(found), _verdict(low, high))
            )
    return pd.DataFrame(lines, columns=COLUMNS)


def _verdict(low: float, high: float) -> str:
    if np.isnan(low):
        return "one seed"
    return "confirmed" if low > 0 else "the opposite" if high < 0 else "not confirmed"
