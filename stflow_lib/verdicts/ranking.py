"""Which method has the lowest error where, and from which others that can be told.

Methods that learn by steps are ranked within one profile. What learns nothing by steps counts for
all of them, with its records of the longest. Failed runs, and those that the cap of their profile
ended, are marked and never ranked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stflow_lib.runs.pair import split_pair
from stflow_lib.verdicts.evidence import PROFILES, Evidence, has_converged
from stflow_lib.verdicts.paired import difference
from stflow_lib.verdicts.resampling import Sample, interval, sample
from stflow_lib.verdicts.statistics import finding

METRICS = {"finegrained": "rmse", "gridflow": "rmse", "speedgraph": "mae"}  # ranked by
FIXED = "lab"  # its schedule is short and fixed: ended by its length, not by a cap
SIMULATED = "sim-"
PRIVILEGED = ("Hour-of-week mean",)  # reads the target's whole history, which nobody here has
CLOSE = 1.05  # times the lowest error: what is further off is not named for being fast
FASTER = 2.0  # times: less may come from what else ran on the machine
COSTS = ("seconds", "parameters", "memory")  # to fit; s, numbers, MB
Records = Mapping[int, dict]  # seed -> record


@dataclass(frozen=True)
class Standing:
    """The methods of one city, amount of data and profile, the lowest mean error first.

    `rows`, by method: `error`, `seeds`, the costs of COSTS (medians), and by how much the best
    one's error is lower in percent of this one's (`gain`, `low`, `high`; `so_far`, one of
    `statistics.FINDINGS`, "" without an interval); NaN in the first row. `samples`: the errors
    by method. `converged`: methods whose runs all ended by the rule of their schedule. `left_out`:
    method -> why runs of it are not ranked, those of longer schedules that give no ranking by
    "method at profile". `known`: how many methods are recorded here at any profile.
    """

    city: str
    scarcity: str
    profile: str
    rows: pd.DataFrame
    samples: Mapping[str, Sample]
    converged: frozenset[str]
    left_out: Mapping[str, str]
    known: int

    @property
    def best(self) -> str:
        """The method with the lowest mean error."""
        return self.rows.index[0]

    @property
    def trained(self) -> bool:
        """Whether something that learns by steps is among them."""
        return not all(one.fixed for one in self.samples.values())

    @property
    def level(self) -> list[str]:
        """The others whose difference to the best is not shown: the interval includes zero."""
        rest = self.rows.iloc[1:]
        return list(rest.index[(rest["low"] <= 0) & (rest["high"] >= 0)])

    @property
    def cheapest(self) -> str:
        """The best, or the fastest level with it, if that is `FASTER` and its error `CLOSE`.

        Who failed in some seeds is not named for being fast.
        """
        error, seconds = self.rows["error"], self.rows["seconds"]
        near = error <= CLOSE * error[self.best]
        sound = [name for name in self.level if near[name] and name not in self.left_out]
        fastest = seconds[[self.best, *sound]].idxmin()
        return fastest if FASTER * seconds[fastest] < seconds[self.best] else self.best


def standings(evidence: Evidence, metric: str, least: int = 3) -> list[Standing]:
    """A standing for each real city and amount of data where `least` methods were tried.

    Of several transfers into one target those from fewer of the same sources are left out, and
    so is the target alone where there is a transfer: what knows no source stands in each.
    """
    found = [_standing(evidence, *place, metric) for place in _places(evidence)]
    return [one for one in found if one is not None and one.known >= least]


def _places(evidence: Evidence) -> list[tuple[str, str]]:
    """(city, amount of data), in order of the plans and by amount."""
    order = [city for city, _ in evidence.cities]
    places = dict.fromkeys((city, amount) for city, _, amount in evidence)
    cities = [city for city in dict.fromkeys(order) if _stands_alone(city, order)]
    return [
        (city, amount)
        for city in cities
        for amount in sorted((a for c, a in places if c == city), key=float)
    ]


def _stands_alone(city: str, others: Iterable[str]) -> bool:
    sources, target = split_pair(city)
    rivals = [split_pair(other) for other in others]
    inside = any(set(sources) < set(more) and into == target for more, into in rivals)
    return not inside and not target.startswith(SIMULATED)


def _standing(evidence: Evidence, city: str, amount: str, metric: str) -> Standing | None:
    """By the longest schedule at which something trained can be compared; None without any."""
    longer: dict[str, str] = {}
    for profile in PROFILES[::-1]:
        left_out, runs = rankable(evidence, city, profile, amount)
        samples = {name: sample(records, metric) for name, records in runs.items()}
        samples = {name: one for name, one in samples.items() if len(one.values)}
        trained = not all(one.fixed for one in samples.values())
        if len(samples) > 1 and (trained or profile == FIXED):
            rows, known = _rows(samples, runs), _known(evidence, city, amount)
            settled = frozenset(n for n in samples if all(map(has_converged, runs[n].values())))
            return Standing(
                city, amount, profile, rows, samples, settled, left_out | longer, known
            )
        longer |= {f"{name} at {profile}": why for name, why in left_out.items()}
    return None


def rankable(
    evidence: Evidence, city: str, profile: str, amount: str
) -> tuple[dict[str, str], dict[str, Records]]:
    """What is left out of a ranking and why, and the records of each method that are not."""
    left_out: dict[str, str] = {}
    runs: dict[str, Records] = {}
    for name, found in _records(evidence, city, profile, amount).items():
        failed = len(evidence.collapsed.get((city, profile, amount, name), ()))
        fine = {s: r for s, r in found.items() if profile == FIXED or has_converged(r)}
        capped, total = len(found) - len(fine), len(found) + failed
        words = [f"{failed} failed"] * bool(failed) + [f"{capped} ended by the cap"] * bool(
            capped
        )
        if words:
            left_out[name] = f"{' and '.join(words)} of {total}"
        if fine:
            runs[name] = fine
    return left_out, runs


def _records(evidence: Evidence, city: str, profile: str, amount: str) -> dict[str, Records]:
    """Records by method; of what learns nothing by steps those of the longest profile."""
    own = {name: runs for name, runs in evidence.get((city, profile, amount), {}).items()}
    own |= {
        name: {}
        for *place, name in evidence.collapsed
        if tuple(place) == (city, profile, amount) and name not in own
    }
    for other in PROFILES:
        found = evidence.get((city, other, amount), {}).items()
        own |= {n: runs for n, runs in found if all(r["epochs"] == 0 for r in runs.values())}
    return {n: runs for n, runs in own.items() if ":" not in n and n not in PRIVILEGED}


def _known(evidence: Evidence, city: str, amount: str) -> int:
    names = [_records(evidence, city, profile, amount) for profile in PROFILES]
    return len(set().union(*names))


def _rows(samples: Mapping[str, Sample], runs: Mapping[str, Records]) -> pd.DataFrame:
    """The rows of a `Standing`."""
    order = sorted(samples, key=lambda name: samples[name].values.mean())
    best, lines = samples[order[0]], []
    for name in order:
        own = np.median([_costs(record) for record in runs[name].values()], axis=0)
        gain = (
            (np.nan, np.nan, np.nan, "") if name == order[0] else gain_over(best, samples[name])
        )
        lines.append((samples[name].values.mean(), len(samples[name].values), *own, *gain))
    columns = ["error", "seeds", *COSTS, "gain", "low", "high", "so_far"]
    return pd.DataFrame(lines, order, columns)


def _costs(record: Mapping) -> tuple[float, float, float]:
    """COSTS of a run; stages that it took from another run count with the seconds they took."""
    trained = record["epochs"] * record["seconds_per_epoch"]
    seconds = max(trained, record["fit_seconds"])
    return seconds, record["parameters"], record["peak_memory_mb"]


def gain_over(mine: Sample, theirs: Sample) -> tuple[float, float, float, str]:
    """By how much mine is lower, percent of the other's mean: mean, 95 % interval, finding.

    Paired by seed, and by day where both have sums by day; NaN where they share no seed.
    """
    common = mine.values.index.intersection(theirs.values.index)
    if not (len(common) or mine.fixed or theirs.fixed):
        return np.nan, np.nan, np.nan, ""
    found = difference(mine, theirs)
    low, high = interval(found)[:2]
    return float(found.values.mean()), low, high, finding(low, high)
