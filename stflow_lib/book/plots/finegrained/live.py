"""What a page can draw where it is: a city with its trained networks, or a simulated one, live.

Errors are read from records. Maps need the city's files and networks that were trained on them;
where either is missing, the smallest profile is trained and drawn, and every caption says so.
"""

import json
from collections.abc import Iterable

import pandas as pd

from stflow_lib import runs
from stflow_lib.book.display import provenance, show_table
from stflow_lib.book.tables import SMOKE, runs_of
from stflow_lib.data.catalog.index import entries
from stflow_lib.finegrained.plan import RULES
from stflow_lib.runs import Rows, Run, store

LIVE = "smoke"  # the profile whose trainings take seconds, on a simulated city
NOTE = f"Live: simulated city, {SMOKE}"


def has_files(city: str) -> bool:
    """Whether the city can be loaded without a download."""
    return entries()[city].files() is not None


def has_checkpoint(run: Run) -> bool:
    """Whether the store holds the run's trained network; a rule needs none."""
    if run.method in RULES:
        return True
    record, stamp = store.read(run), store.folder_of(run) / store.STAMP
    if record is None or not stamp.exists():
        return False
    return json.loads(stamp.read_bytes()).get("source_hash") == record["source_hash"]


def drawable(profile: str, planned: Iterable[Run], train: bool = False) -> str:
    """`profile` where all of its planned runs can be drawn, else `LIVE`.

    Without `train` that takes a city's files and a checkpoint for each run, with it the files.
    """
    planned = list(planned)
    here = planned and all(has_files(run.city) for run in planned)
    return profile if here and (train or all(map(has_checkpoint, planned))) else LIVE


def caption(profile: str, text: str) -> str:
    """`text`, and that it is live where the profile is the smallest."""
    return f"{text}. {NOTE}" if profile == LIVE else text


def title(profile: str, text: str) -> str:
    """`text` over a figure, and on a second line that it is live, as `caption` says it."""
    return f"{text}\n{NOTE}" if profile == LIVE else text


def say(profile: str, *words: object) -> None:
    """Print a sentence about what was drawn; at `LIVE` it begins with "live, smoke size:"."""
    print(*(["live, smoke size:"] if profile == LIVE else []), *words)


def example_sentence(what: str, cities: Iterable[str]) -> str:
    """That `what` is no result: an example, made live on some simulated cities."""
    return (
        f"{what} a live example: small networks trained while this page was made, on the simulated "
        f"city {', '.join(cities)}, because no trained network of a real city is at hand here. "
        "Read how they are made, not what a method reaches."
    )


def by_method(planned: Iterable[Run]) -> Rows:
    """Runs as rows, one for each method, in order."""
    rows: Rows = {}
    for run in planned:
        rows.setdefault(run.method, []).append(run)
    return rows


def live_table(rows: Rows) -> pd.DataFrame:
    """RMSE, MAE and seconds of training of each row's records, by amount of data.

    Without a word on failure: after one epoch no network has got anywhere.
    """
    names = {"RMSE": "metric_rmse", "MAE": "metric_mae", "seconds": "fit_seconds"}
    found = {
        label: records for label, group in rows.items() if (records := runs.records(group))
    }
    amounts = {record["scarcity"] for records in found.values() for record in records}
    cells = {
        label: {(f"{record['scarcity']} %", name): record[field]
                for record in records for name, field in names.items()}
        for label, records in found.items()
    }  # fmt: skip
    columns = [(f"{amount} %", name) for amount in sorted(amounts, key=float) for name in names]
    wide = pd.DataFrame.from_dict(cells, orient="index")
    return wide.reindex(columns=pd.MultiIndex.from_tuples(columns)) if cells else wide


def show_live(what: str, rows: Rows) -> None:
    """Train the rows where they have no record, and show their errors under a caption `LIVE`."""
    runs.ensure_all(runs_of(rows))
    show_table(live_table(rows), f"{what}. {NOTE}")
    provenance(runs.records(runs_of(rows)))
