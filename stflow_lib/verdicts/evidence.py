"""What our runs have to say about a paper's claims: records by place, and by row of a table."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from stflow_lib import runs
from stflow_lib.runs import Run, profiles, store
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.record import RUN_FIELDS
from stflow_lib.runs.run import wing_of
from stflow_lib.verdicts.datasets import AVERAGES
from stflow_lib.verdicts.resampling import Sample, sample

# Profiles whose runs count, the better ones last.
PROFILES = tuple(name for name in ("lab", "bench", "paper") if name in profiles.PROFILES)


class Evidence(dict):
    """(city, profile, scarcity) -> {name: {seed: record}}, failed runs left out.

    A name is a method's, or "table7:reg" for a row that is more than a method: the runs of row
    "reg" in the wing's "table7". A mean over several sets counts as a city of its own.
    """

    def __init__(self):
        self.collapsed = {}  # (city, profile, scarcity, name) -> seeds that collapsed
        self.cities = {}  # (city, profile) -> names planned or recorded there, in order
        self.tables = {}  # table -> methods that it plans
        self.samples = {}  # (city, profile, scarcity, name, metric) -> Sample

    def sample(self, place: tuple[str, str, str], name: str, metric: str) -> Sample:
        """The metric by seed, and on draws of the test days where the records have sums by day."""
        key = (*place, name, metric)
        if key not in self.samples:
            self.samples[key] = sample(self.get(place, {}).get(name, {}), metric)
        return self.samples[key]

    def converged(self, place: tuple[str, str, str], name: str) -> bool:
        """Whether every stage of these runs ended by its rule; what has no steps always has."""
        return all(map(has_converged, self.get(place, {}).get(name, {}).values()))

    def add(self, name: str, run: Run, record: dict | None) -> None:
        """One run under one of its names; the first record of a seed stays."""
        place = (run.city, run.profile, run.scarcity)
        if record is not None and record["notes"].get("collapsed"):
            self.collapsed.setdefault((*place, name), set()).add(run.seed)
        elif record is not None:
            found = self.setdefault(place, {}).setdefault(name, {})
            found.setdefault(run.seed, record)


def collect(wing: str) -> Evidence:
    """What the wing's tables plan and what is recorded, one set of settings per name."""
    evidence = Evidence()
    settings: dict[tuple, tuple] = {}
    records: dict[str, dict | None] = {}
    listed = list(_planned_and_recorded(wing))
    into = _pairs_by_target(run for *_, run in listed)
    for table, name, run in listed:
        places = [run.city, *into.get((run.city, run.profile), ())]
        for city in places:
            evidence.cities.setdefault((city, run.profile), {})[name] = None
        evidence.tables.setdefault(table, set()).add(run.method)
        key = (run.city, run.profile, run.scarcity, name)
        own = (run.protocol, run.settings)
        if settings.setdefault(key, own) != own:
            continue  # the first table's settings are the method's own, others are ablations
        if run.key not in records:
            records[run.key] = runs.find(run)
        for city in places:
            evidence.add(name, replace(run, city=city), records[run.key])
    for dataset, cities in AVERAGES.items():
        _add_means(evidence, dataset.lower(), cities)
    return evidence


def _pairs_by_target(listed: Iterable[Run]) -> dict[tuple[str, str], list[str]]:
    """(city, profile) -> the "SOURCE>TARGET" that end there: what knows no source stands beside."""
    found: dict[tuple[str, str], list[str]] = {}
    for city, profile in dict.fromkeys((run.city, run.profile) for run in listed):
        if ">" in city:
            found.setdefault((target_of(city), profile), []).append(city)
    return found


def _planned_and_recorded(wing: str) -> Iterator[tuple[str, str, Run]]:
    """(table, name, run); the table is "" for what is only recorded."""
    if wing not in profiles.wings():
        return
    own = wing_of(Run(wing, "", "", "", "", "", 0))
    tables = own.TABLES
    for profile in PROFILES:
        for table, planned in tables.items():
            yield from ((table, run.method, run) for run in planned(profile))
            rows = planned.rows(profile) if hasattr(planned, "rows") else {}
            for label, of_row in rows.items():
                yield from ((table, f"{table}:{label}", run) for run in of_row)
                shared = [run for run in of_row if label in own.METHODS and run.method != label]
                yield from ((table, label, run) for run in shared)
    for record in [*store.read_all(wing), *runs.published(wing).values()]:
        if record["profile"] in PROFILES:
            run = Run(**{name: record[name] for name in RUN_FIELDS})
            yield "", run.method, run


def _add_means(evidence: Evidence, mean: str, cities: tuple[str, ...]) -> None:
    """The mean over cities as one more city, for names and seeds that all of them have."""
    for city, *size in [place for place in evidence if place[0] == cities[0]]:
        parts = [evidence.get((city, *size), {}) for city in cities]
        for name in set.intersection(*map(set, parts)):
            for seed in set.intersection(*(set(part[name]) for part in parts)):
                found = [part[name][seed] for part in parts]
                rows = evidence.setdefault((mean, *size), {}).setdefault(name, {})
                rows[seed] = _mean(found)


def _mean(records: list[dict]) -> dict:
    metrics = [name for name in records[0] if name.startswith("metric_")]
    means = {name: float(np.mean([record[name] for record in records])) for name in metrics}
    means["stale"] = any(record["stale"] for record in records)
    means["converged"] = all(map(has_converged, records))
    return records[0] | means | {"days": None}  # the sets have days of their own


def has_converged(record: dict) -> bool:
    """Whether the run's training ended by its rule; no record of before the rule says so."""
    return record["epochs"] == 0 or bool(record.get("converged"))
