"""Whether learning had ended: validation errors beside those with twice the patience."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from stflow_lib import finegrained, gridflow, speedgraph
from stflow_lib.book.advice import PROBLEMS, place
from stflow_lib.runs import Rows, Run, find
from stflow_lib.runs.patience import PATIENT
from stflow_lib.verdicts.ranking import METRICS
from stflow_lib.verdicts.statistics import interval, interval_text

WINGS = (finegrained, gridflow, speedgraph)
MOVED = 0.5  # percent of the validation error that twice the patience should move it at most
COLUMNS = ["problem", "method", "where", "seeds", "error", "twice", "change", "low", "high",
           "test", "steps", "steps_twice"]  # fmt: skip


def table(profile: str = "bench") -> pd.DataFrame:
    """A row for each method of the tables `patience` that has both records with some seed.

    `error`, `twice`: mean validation errors over the seeds that both have; `change` from one to
    the other in percent, the mean over these seeds, and its 95 % interval `low` to `high`, NaN
    with one; `test`: the change of the test error that the wing ranks by, in percent, which chose
    nothing; `steps`: of the optimiser in all stages, mean.

    Of speeds the validation error is that of the training that chose, and the test error that of
    the network trained once more on all windows.
    """
    tables = [wing.TABLES["patience"].rows(profile) for wing in WINGS]
    lines = [line for rows in tables for line in _lines(rows)]
    return pd.DataFrame(lines, columns=COLUMNS)


def _lines(rows: Rows) -> Iterator[tuple]:
    for method, runs in rows.items():
        pairs = list(_both(runs, rows.get(PATIENT.format(method), [])))
        if pairs:
            (error, test, steps), (more, later, longer) = np.array(pairs, float).transpose(
                1, 2, 0
            )
            wing, change = runs[0].wing, 100 * (more / error - 1)
            yield (PROBLEMS[wing], method, place(wing, runs[0]), len(pairs), error.mean(),
                   more.mean(), change.mean(), *interval(change),
                   100 * (later / test - 1).mean(), steps.mean(), longer.mean())  # fmt: skip


def _both(runs: Sequence[Run], patient: Sequence[Run]) -> Iterator[tuple[tuple, tuple]]:
    """`_told` of two trainings that differ in patience alone, by seed."""
    for one, other in zip(runs, patient, strict=bool(patient)):
        if (old := find(one)) and (new := find(other)):
            metric = f"metric_{METRICS[one.wing]}"
            yield _told(old, metric), _told(new, metric)


def _told(record: dict, metric: str) -> tuple[float, float, int]:
    """Validation error, test error, steps of the optimiser."""
    steps = sum(stage["steps"] for stage in record["stages"].values())
    return record["valid_error"], record[metric], steps


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """`table` with the words of a page."""
    whole = found.round({"steps": 0, "steps_twice": 0}).astype(
        {"steps": int, "steps_twice": int}
    )
    whole["change"] = [in_words(row) for row in found.itertuples()]
    whole["test"] = found["test"].map("{:+.1f}".format)
    hidden = ["problem", "low", "high"]
    return whole.drop(columns=hidden).set_index("method").rename(columns={
        "error": "validation error", "twice": "with twice", "change": "change (%)",
        "test": "test error, change (%)",
        "steps_twice": "with twice, steps",
    })  # fmt: skip


def in_words(row) -> str:
    """A change in percent with its interval, where there is one."""
    return interval_text(row.change, row.low, row.high)


def said(found: pd.DataFrame) -> str:
    """How many of the trainings moved by less than `MOVED` percent, and which moved most."""
    if found.empty:
        return "No training has been repeated with twice the patience."
    still = found["change"].abs() < MOVED
    most = found.loc[found["change"].abs().idxmax()]
    return (
        f"With twice the patience the validation error of {still.sum()} of {len(found)} methods "
        f"moves by less than {MOVED} percent; the largest change is {in_words(most)} percent "
        f"({most['method']}, {most['where']}, seeds: {most['seeds']})."
    )
