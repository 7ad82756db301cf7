"""What result pages share: filling their tables, comparing rows, gains as text and tables.

A table is {label of a row: its runs}, see `stflow_lib.runs.RowTable`.
"""

from collections.abc import Callable, Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import settings_told
from stflow_lib.book.display import provenance, show_list, show_table
from stflow_lib.book.plots.comparisons import gains_figure
from stflow_lib.book.plots.transfers import arrow, days
from stflow_lib.data.catalog.index import entries
from stflow_lib.runs import Rows, RowTable, Run
from stflow_lib.runs.pair import split_pair, target_of
from stflow_lib.verdicts import paired
from stflow_lib.verdicts.ranking import FIXED
from stflow_lib.verdicts.resampling import value_of
from stflow_lib.verdicts.statistics import FINDINGS, NOT_CONVERGED, interval_text

MARKS = dict(zip(FINDINGS, (" yes", " opposite", " equal", " open"), strict=True))
Pairs = Mapping[str, tuple[str, str]]  # label -> (better row, other row)
SMOKE = "smoke size; it shows that the code runs, not what it reaches"
LIVE = f"Live: simulated cities, {SMOKE}"
SHORT = "short fixed schedule, where no longer training is recorded"  # why a table is closed


def runs_of(rows: Rows) -> list[Run]:
    """The runs of all rows, in order."""
    return [run for group in rows.values() for run in group]


def longest_recorded(table: RowTable, profile: str) -> str:
    """`profile` where it has records of most cells, else the one of the short fixed schedule.

    A cell is a row, a city and an amount of data; one of its seeds is enough.
    """
    rows = table.rows(profile)
    cells = {(name, run.city, run.scarcity) for name, group in rows.items() for run in group}
    return profile if 2 * len(_recorded_cells(rows)) > len(cells) else FIXED


def without_record(short: Rows, rows: Rows) -> Rows:
    """Recorded runs of `short` whose city and amount of data have no record in the row of `rows`.

    What a short schedule gave is worth showing only there.
    """
    known = _recorded_cells(rows)
    left = {
        name: [
            run
            for run in group
            if (name, run.city, run.scarcity) not in known and runs.records([run])
        ]
        for name, group in short.items()
    }
    return {name: group for name, group in left.items() if group}


def _recorded_cells(rows: Rows) -> set[tuple[str, str, str]]:
    return {
        (name, run.city, run.scarcity)
        for name, group in rows.items()
        for run in group
        if runs.records([run])
    }


def fill(table_rows: Mapping[str, Rows], train_missing: bool) -> None:
    """Compute what each table (name -> its rows) lacks, or say how much of it is a gap."""
    for name, rows in table_rows.items():
        planned, lacking = runs.ensure_all(runs_of(rows), train_missing)
        if train_missing:
            print(f"{name}: {planned} runs, {lacking} of them computed on this page")
        elif lacking:
            print(f"{name}: {lacking} of {planned} runs have no record and are gaps below")
        else:
            print(f"{name}: all {planned} runs are recorded")


def show_live(rows: Rows, metrics: Iterable[str]) -> None:
    """Train the runs of all rows on this page, but those that the present code has trained.

    Their errors by days of the target, failed trainings too: none of them means anything.
    RunError names each run that raised.
    """
    runs.compute_missing(runs_of(rows))
    lines = [
        (row, f"{record['scarcity']} d", metric.upper(), record[f"metric_{metric}"])
        for row, group in rows.items()
        for record in runs.records(group)
        for metric in metrics
    ]
    frame = pd.DataFrame(lines, columns=["row", "days", "metric", "value"])
    wide = frame.pivot_table("value", "row", ["days", "metric"], sort=False)
    show_table(wide.rename_axis(index=None, columns=[None, None]), LIVE)


def unit_of(pair: str) -> str:
    """Unit of the target's numbers; the catalogue has it without the data."""
    return entries()[target_of(pair)].unit


def not_here(pairs: Iterable[str]) -> list[str]:
    """Those cities of some pairs whose files are not in the data folder, in order."""
    sides = [split_pair(pair) for pair in pairs]
    names = [name for sources, target in sides for name in (*sources, target)]
    return [name for name in dict.fromkeys(names) if entries()[name].files() is None]


def show_provenance(rows: Rows) -> None:
    """Say under a table or figure where the numbers of its rows come from, and what failed."""
    provenance(runs.records(runs_of(rows)))
    if failed := failures(rows):
        show_list("Failed trainings, which no mean counts", failed)
    show_stale(rows)
    if scored := settings_told.scored(runs_of(rows)):
        show_list("Own methods whose settings were scored", scored)


def show_stale(rows: Rows) -> None:
    """Say which rows have records of older code; nothing where none has."""
    if old := _counts(rows, lambda record: record["stale"]):
        show_list("Stale records, whose code or data have changed since they were made", old)


def show_costs(rows: Rows, caption: str, folded: str = "") -> None:
    """What fitting took, a line for each row: seconds and parameters, medians of its records.

    `folded`: why the table is closed until asked for, see `show_table`.
    """
    lines = [
        (name, record["fit_seconds"], record["parameters"])
        for name, group in rows.items()
        for record in runs.records(group)
    ]
    found = pd.DataFrame(lines, columns=["method", "seconds to fit", "parameters"])
    medians = found.groupby("method", sort=False).median()
    show_table(medians.round().astype("Int64"), caption, folded=folded)


def failures(rows: Rows) -> list[str]:
    """Rows with failed trainings, and how many of their records are: "A 1 of 3", "B 3 of 3"."""
    return _counts(rows, lambda record: record["notes"].get("collapsed"))


def _counts(rows: Rows, mark: Callable[[Mapping], object]) -> list[str]:
    found = {
        row: [bool(mark(record)) for record in runs.records(group)]
        for row, group in rows.items()
    }
    return [f"{row} {sum(f)} of {len(f)}" for row, f in found.items() if any(f)]


def runs_at(group: Iterable[Run], pair: str, amount: str) -> list[Run]:
    """A row's runs at a pair of cities; what knows no source counts for all."""
    cities = (pair, target_of(pair))
    return [run for run in group if run.city in cities and run.scarcity == amount]


def by_seed(group: Iterable[Run], pair: str, amount: str, metric: str) -> pd.Series:
    """A row's errors at a pair of cities, seed by seed, without failed trainings."""
    return paired.errors(runs_at(group, pair, amount), metric)


def all_errors(group: Iterable[Run], metric: str) -> np.ndarray:
    """Errors of all recorded runs, failed ones too: [run].

    A training fails where it is not below a rule, so whether a method is below that rule can
    only be told by all of its trainings.
    """
    return np.array([value_of(record, metric) for record in runs.records(group)])


def below(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Pairs of rows (better, other) under the name "better below other"."""
    return {f"{better} below {other}": (better, other) for better, other in pairs}


def compare(rows: Rows, pairs: Pairs, metrics: Iterable[str]) -> pd.DataFrame:
    """Gains of one row over another, paired by seed; what has no record is left out.

    Columns: those of `paired.paired_gains`, `row` (the pair's label) and `label`, which names
    the metric too.
    """
    frames = [
        paired.paired_gains(rows.get(better, []), rows.get(other, []), metrics).assign(row=row)
        for row, (better, other) in pairs.items()
    ]
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return pd.DataFrame(columns=[*paired.COLUMNS, "row", "label"])
    judged = pd.concat(frames, ignore_index=True)
    return judged.assign(label=judged["row"] + ", " + judged["metric"].str.upper())


def gain_text(row) -> str:
    """A gain and its interval: "+1.2 [+0.4, +2.0]"; one seed has no interval."""
    return interval_text(row.gain, row.low, row.high)


def judged_text(row) -> str:
    """A gain, its interval, and whether the claim that it is above zero holds so far."""
    return gain_text(row) + MARKS.get(row.so_far, "")


def count_verdicts(judged: pd.DataFrame) -> str:
    """How often each verdict was reached: "confirmed: 2 of 5; open: 3 of 5".

    Of trainings that did not converge, also what they say so far.
    """
    counts = judged["verdict"].value_counts()
    text = "; ".join(f"{word}: {number} of {len(judged)}" for word, number in counts.items())
    early = judged.loc[judged["verdict"] == NOT_CONVERGED, "so_far"].value_counts()
    so_far = ", ".join(f"{word} {number}" for word, number in early.items())
    return f"{text}; so far: {so_far}" if so_far else text


def show_gains(judged: pd.DataFrame, caption: str) -> None:
    """Gains with intervals, a table for each metric and amount of data: rows down, tasks across.

    The first table is open.
    """
    why = ""
    for (metric, amount), found in judged.groupby(["metric", "scarcity"], sort=False):
        text = found.assign(
            text=[judged_text(row) for row in found.itertuples()],
            task=found["city"].map(arrow),
        )
        wide = text.pivot(index="row", columns="task", values="text").fillna("")
        wide = wide.reindex(found["row"].unique())[text["task"].unique()].rename_axis(
            index=None
        )
        title = f"{caption}, {metric.upper()}, {days(amount)}, %; confirmed?"
        show_table(wide, title, folded=why)
        why = "another error, or amount of data"


def show_comparisons(judged: pd.DataFrame) -> None:
    """Comparisons as a table, as a picture where there are intervals, and in one sentence."""
    if judged.empty:
        print("No pair of runs to compare yet.")
        return
    shown = judged[["label", "gain", "low", "high", "n", "so_far", "verdict"]]
    show_table(
        shown.rename(columns={"gain": "gain (%)", "so_far": "so far"}),
        "Paired by seed",
        2,
        index=False,
    )
    if judged["low"].notna().any():
        gains_figure(judged).axes[0].set_title("Paired differences with 95 % intervals")
        plt.show()
        half = ((judged["high"] - judged["low"]) / 2).median()
        print(f"a gain must exceed about {half:.1f} % for these seeds to tell it from zero")
    print(count_verdicts(judged))
