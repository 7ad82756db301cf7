"""What is left of trained networks where they are not at hand: small published summaries.

A summary is a frozen dataclass of numbers, words, arrays, series and frames about one city, its
first field `city`. `python -m` of the module that defines it, with a profile, makes it of the
networks in the store and writes it to book/results/finegrained/FOLDER/CITY-PROFILE.json, with the
source and licence of the city and the records of the networks. Published are means, shares and
curves over many steps, no single step of a city.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Generic, TypeVar, get_origin, get_type_hints

from stflow_lib import runs
from stflow_lib.book.plots.finegrained import as_json, live
from stflow_lib.data.catalog.index import entries
from stflow_lib.data.errors import DataError
from stflow_lib.data.files.write import write_atomic
from stflow_lib.runs import Run, RunError
from stflow_lib.runs.publish import published, results_folder
from stflow_lib.runs.record import RUN_FIELDS, from_json
from stflow_lib.runs.staleness import is_stale

RECORD = (*RUN_FIELDS, "key", "source_hash", "data_hash", "date", "device", "threads",
          "metric_rmse", "metric_mae")  # fmt: skip
BESIDE = ("source", "licence", "runs")  # what a file holds besides the summary
T = TypeVar("T")


@dataclass(frozen=True)
class Drawn(Generic[T]):
    """A summary, the records of the networks behind it, and whether it was read from a file."""

    summary: T
    records: list[dict]
    published: bool = False


@dataclass(frozen=True)
class Summaries(Generic[T]):
    """One kind of summary: where it lies, of which runs it is, and how it is made of them."""

    folder: str
    form: type[T]
    planned: Callable[[str], Mapping[str, Sequence[Run]]]  # profile -> city -> its runs
    made: Callable[[Sequence[Run]], T]

    def path(self, city: str, profile: str) -> Path:
        """Where the summary of a city is published."""
        return results_folder("finegrained") / self.folder / f"{city}-{profile}.json"

    def drawn(self, profile: str, train: bool = False) -> tuple[str, dict[str, Drawn[T]]]:
        """City -> its summary, and the profile of the networks behind them all.

        Of the networks themselves where these and the city are here (with `train`, the city), else
        as published; where no city has either, of networks trained live, at profile `live.LIVE`.
        """
        found = {}
        for city, planned in self.planned(profile).items():
            if live.drawable(profile, planned, train) == profile:
                found[city] = self.fresh(planned)
            elif known := self.read(city, profile):
                found[city] = known
        small = {} if found else self.planned(live.LIVE)
        return (profile, found) if found else (
            live.LIVE, {city: self.fresh(planned) for city, planned in small.items()}
        )  # fmt: skip

    def fresh(self, planned: Sequence[Run]) -> Drawn[T]:
        """The summary of the runs' own networks, trained where there are none."""
        runs.ensure_all(planned)
        return Drawn(self.made(planned), runs.records(planned))

    def publish(self, profile: str) -> list[Path]:
        """Write the summary of every city of the profile; RunError where a network is missing."""
        groups = self.planned(profile).values()
        for run in (run for group in groups for run in group):
            if not live.has_checkpoint(run):
                raise RunError(f"{run}: no trained network in the store, nothing is published")
        return [self.write(self.fresh(group), profile) for group in groups]

    def write(self, drawn: Drawn[T], profile: str) -> Path:
        """The file of a summary, with the city's source and licence, and the records."""
        summary, city = vars(drawn.summary), drawn.summary.city
        content = {
            "source": entries()[city].source,
            "licence": entries()[city].licence,
            **as_json.encode(summary),
            "runs": [{name: record.get(name) for name in RECORD} for record in drawn.records],
        }
        text = json.dumps(content, separators=(",", ":"), allow_nan=False)
        write_atomic(self.path(city, profile), f"{text}\n".encode())
        return self.path(city, profile)

    def read(self, city: str, profile: str) -> Drawn[T] | None:
        """The published summary of a city; None where there is none.

        DataError names the file and what in it is no summary of this kind, city and profile.
        """
        path = self.path(city, profile)
        if not path.exists():
            return None
        try:
            content = from_json(path.read_bytes())
            records = [_checked(record, city, profile) for record in content["runs"]]
            summary = self._of(content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path}: no summary of {self.folder}: {error}") from None
        if summary.city != city:
            raise DataError(f"{path}: a summary of {summary.city}")
        return Drawn(summary, records, True)

    def _of(self, content: Mapping) -> T:
        known = {field.name for field in fields(self.form)} | {*BESIDE}
        if strange := sorted(known ^ {*content}):
            raise ValueError(
                f"{strange[0]!r} is {'missing' if strange[0] in known else 'strange'}"
            )
        hints = get_type_hints(self.form)
        values = {name: as_json.decode(content[name]) for name in hints}
        for name, kind in hints.items():
            kind = get_origin(kind) or kind
            if not isinstance(values[name], (int, float) if kind is float else kind):
                raise ValueError(f"{name} is no {kind.__name__}")
        return self.form(**values)


def sentence(profile: str, what: str, drawn: Mapping[str, Drawn]) -> str:
    """Of whose networks `what` is drawn: methods, profile, cities; or that it is made live."""
    if profile == live.LIVE:
        return live.example_sentence(what, drawn)
    records = [record for found in drawn.values() for record in found.records]
    methods = " and ".join(dict.fromkeys(record["method"] for record in records))
    said = (f"{what} drawn from trained networks: {methods}, profile {profile}, first seed, on "
            f"{' and '.join(drawn)}.")  # fmt: skip
    if not any(found.published for found in drawn.values()):
        return said
    return (f"{said} What is drawn of them is published with the book, since networks or cities "
            f"are not at hand here; {_apart(records)}")  # fmt: skip


def _apart(records: Sequence[Mapping]) -> str:
    """How far the errors of networks are from those that the tables have of the same runs."""
    known = published("finegrained")
    errors = [(record["metric_rmse"], known[record["key"]]["metric_rmse"])
              for record in records if record["key"] in known]  # fmt: skip
    if not errors:
        return "the tables do not have them."
    apart = max(abs(own / recorded - 1) for own, recorded in errors)
    return ("trained anew for that, they have test RMSE within "
            f"{apart:.1%} of those in the tables.")  # fmt: skip


def _checked(record: Mapping, city: str, profile: str) -> dict:
    if missing := sorted({*RECORD} - {*record}):
        raise ValueError(f"a record without {missing[0]!r}")
    run = Run(**{name: record[name] for name in RUN_FIELDS})
    if run.key != record["key"]:
        raise ValueError(f"a record with key {record['key']}, but its run has {run.key}")
    if (run.city, run.profile) != (city, profile):
        raise ValueError(f"a record of {run.city}, profile {run.profile}")
    return {**record, "stale": is_stale(run, dict(record))}
