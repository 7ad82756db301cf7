"""Layout of the result page: settings, the paper's tables, order claims in percent, checks."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stflow_lib import runs
from stflow_lib.book.display import OTHER, PRINTED, provenance, show_table
from stflow_lib.book.plots.finegrained.ablations import in_words
from stflow_lib.book.plots.finegrained.live import by_method
from stflow_lib.book.tables import SHORT, judged_text, runs_of, without_record
from stflow_lib.finegrained import METHODS
from stflow_lib.runs import Run
from stflow_lib.verdicts import paired
from stflow_lib.verdicts.claims import reported

GAINS = ["city", "fraction", "other", "metric", "gain", "low", "high", "so_far"]
KEPT = ["method", "city", "largest gap", "dead blocks", "collapsed"]


def settings_table(methods: Mapping[str, Mapping]) -> pd.DataFrame:
    """What each method of a profile changes in the paper's settings, in words."""
    words = [", ".join(f"{k} {v}" for k, v in changes.items()).replace("'", "") or "nothing"
             for changes in methods.values()]  # fmt: skip
    return pd.DataFrame({"method": [*methods], "differs from the paper in": words})


def show_paper_table(
    number: str, planned: Sequence[Run], metrics: Sequence[str], short: Sequence[Run] = ()
) -> None:
    """A table in the paper's layout, one metric at a time, the printed numbers beside ours.

    `short`: runs of the short fixed schedule; closed, and only where `planned` has no record.
    """
    printed = reported("urbanstc", number)
    printed = printed[printed["method"].isin(list(METHODS))]
    why = "" if runs.records(planned) else PRINTED
    for metric in metrics:
        if planned or (printed["metric"] == metric).any():
            table = runs.table(planned, [metric], reported=printed)
            show_table(table, f"Table {number}: {metric.upper()}", best=True, folded=why)
            why = why or OTHER
    left = runs_of(without_record(by_method(short), by_method(planned)))
    if left:
        show_table(runs.table(left, metrics), f"Table {number}", folded=SHORT)
    provenance(runs.records([*planned, *left]))


def gains_in_percent(orders: pd.DataFrame, planned: Sequence[Run]) -> pd.DataFrame:
    """Judged differences and their intervals in percent of the other method's mean error.

    `orders`: rows of `judge`, of kind order.
    """
    rows = []
    for row in orders.itertuples():
        place = row.other, row.city, row.fraction
        there = [run for run in planned if (run.method, run.city, run.scarcity) == place]
        scale = 100 / paired.errors(there, row.metric).mean()
        found = [scale * v for v in (row.ours, row.interval_low, row.interval_high)]
        where = row.city, f"{row.fraction} %", row.other, row.metric
        rows.append((*where, *found, row.so_far))
    return pd.DataFrame(rows, columns=GAINS)


def gains_table(gains: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Gains of one metric in words, methods down in the given order, places across."""
    text = [judged_text(row) for row in gains.itertuples()]
    wide = gains.assign(text=text)
    wide = wide.pivot(index="other", columns=["city", "fraction"], values="text")
    return wide.reindex([name for name in methods if name in wide.index])


def ahead_of_urbanstc(gains: pd.DataFrame) -> pd.DataFrame:
    """Who has the lower error with the whole interval: places down, metrics across.

    `gains`: as `gains_in_percent` returns them; a metric nobody leads in says "none".
    """
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for (city, fraction, metric), found in gains.groupby(
        ["city", "fraction", "metric"], sort=False
    ):
        ahead = found.loc[found["so_far"].eq("opposite"), "other"]
        lines.setdefault((city, fraction), {})[metric.upper()] = ", ".join(ahead) or "none"
    return pd.DataFrame.from_dict(lines, orient="index")


def budget_table(groups: Mapping[str, Sequence[Run]], metrics: Sequence[str]) -> pd.DataFrame:
    """Mean, spread and number of seeds of each labelled group that has records, in words."""
    lines = {}
    for label, group in groups.items():
        if runs.records(group):
            cells = runs.summary(group, metrics).itertuples()
            lines[label] = {cell.metric.upper(): in_words(cell) for cell in cells}
    return pd.DataFrame(lines).T.rename_axis("method, times the profile's epochs")


def conservation_frame(records: Sequence[Mapping]) -> pd.DataFrame:
    """Largest relative gap and share of dead blocks, a row per record."""
    rows = [(r["method"], r["city"], r["metric_conservation"], r["metric_dead_blocks"],
             bool(r["notes"].get("collapsed"))) for r in records]  # fmt: skip
    return pd.DataFrame(rows, columns=KEPT)


def collapsed(records: Sequence[Mapping]) -> str:
    """The collapsed runs of `records` in words."""
    gone = [f"{r['method']} on {r['city']}, {r['scarcity']} %, seed {r['seed']}"
            for r in records if r["notes"].get("collapsed")]  # fmt: skip
    return "; ".join(gone) or "none"
