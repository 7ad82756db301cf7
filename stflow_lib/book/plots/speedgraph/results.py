"""Tables and figures of the result page: Table 2, errors beside the last value's, gains."""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.plots.transfers import POINTS, gains_panels, percents
from stflow_lib.runs import Rows, Run
from stflow_lib.runs.pair import target_of
from stflow_lib.speedgraph.tsjt.method import TSJTSettings
from stflow_lib.verdicts import paired

ERRORS = ("mae", "rmse")
HORIZONS = {"min10": "10 min", "min30": "30 min", "min60": "60 min"}
AMOUNT = "3"  # days of the target in every row of Table 2


def mean_and_spread(group: Sequence[Run], metric: str) -> str:
    """Mean and standard deviation over seeds, and what is lacking: "3.10 ± 0.04 (n=2)".

    Failed runs count neither in the mean nor in n.
    """
    values = paired.errors(group, metric)
    if not len(values):
        return "collapsed" if runs.records(group) else "not run"
    spread = f" ± {values.std(ddof=1):.2f}" if len(values) > 1 else ""
    few = f" (n={len(values)})" * (len(values) < len(group))
    return f"{values.mean():.2f}{spread}{few}"


def windows_of_joint(settings: TSJTSettings) -> str:
    """How much of a step of plain joint training the target and the sources have."""
    own, lent = settings.training.batch, settings.sources
    step = settings.step.of_batch(own, lent)
    return (
        f"Joint weighs every window of a batch alike: the target's {own} have "
        f"{100 * step.target_weight:.0f} % of a step, the sources' {lent} the rest."
    )


def recorded_pairs(rows: Rows, pairs: Iterable[str]) -> list[str]:
    """Those pairs at which some row has a record: a table of nothing but gaps tells nothing."""
    return [
        pair
        for pair in pairs
        if any(runs.records(tables.runs_at(group, pair, AMOUNT)) for group in rows.values())
    ]


def target_table(rows: Rows, pair: str) -> pd.DataFrame:
    """Table 2 of one target as text: methods down, errors and horizons across."""
    columns = {
        (error.upper(), words): error if words == "avg." else f"{name}_{error}"
        for error in ERRORS
        for name, words in (HORIZONS | {"": "avg."}).items()
    }
    cells = {
        place: {
            method: mean_and_spread(tables.runs_at(group, pair, AMOUNT), metric)
            for method, group in rows.items()
        }
        for place, metric in columns.items()
    }
    return pd.DataFrame(cells).rename_axis(index="method")


def printed_table(printed: pd.DataFrame) -> pd.DataFrame:
    """The printed numbers of one target in the same layout, as text; a lost one is empty."""
    wide = printed.pivot(index="method", columns=["metric", "horizon"], values="value")
    order = [(e.upper(), h) for e in ERRORS for h in ("10min", "30min", "60min", "avg")]
    wide = wide.reindex(printed["method"].unique())[order]
    return wide.map("{:.2f}".format).replace("nan", "")


def relative_errors(
    rows: Rows, pairs: Iterable[str], metric: str, base: str = "Last value"
) -> pd.DataFrame:
    """Errors in percent of a rule's, a row per run: see `transfers.relative_figure`."""
    lines: list[tuple] = []
    for pair in pairs:
        whole = tables.by_seed(rows[base], pair, AMOUNT, metric).mean()
        for method, group in rows.items():
            here = tables.runs_at(group, pair, AMOUNT) if method != base else []
            lines += [(pair, method, AMOUNT, *found) for found in percents(here, metric, whole)]
    return pd.DataFrame(lines, columns=POINTS)


def targets_passed(rows: Rows, pairs: Iterable[str], metrics: Iterable[str]) -> pd.DataFrame:
    """On how many targets a method's mean error is below the last value's: "2 of 4".

    Ridge, which has no network, is left out.
    """
    columns = {}
    for metric in metrics:
        found = relative_errors(rows, pairs, metric)
        wide = found.groupby(["pair", "method"], sort=False)["value"].mean().unstack(0)
        wide = wide.drop(index="Ridge", errors="ignore")
        passed, tried = ((wide < 100).sum(axis=1), wide.notna().sum(axis=1))
        name = metric.replace("_", " ").upper().replace("MIN", "")
        columns[name] = passed.astype(str) + " of " + tried.astype(str)
    return pd.DataFrame(columns).rename_axis(index="method")


def below_the_bar(points: pd.DataFrame) -> list[str]:
    """For each target how many methods are below 100 in the mean, and which is the lowest.

    `points`: see `relative_errors`; "not run" where there are none.
    """
    lines = []
    for pair, own in points.groupby("pair", sort=False):
        means = own.groupby("method", sort=False)["value"].mean()
        lines.append(f"{target_of(pair)}: {(means < 100).sum()} of {len(means)} methods are below; "
                     f"the lowest is {means.idxmin()}, by {100 - means.min():.1f} %")  # fmt: skip
    return lines or ["not run"]


def gains_by_target(judged: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Gains with intervals as text, a table for each metric: rows down, targets across.

    `judged`: see `tables.compare`.
    """
    text = judged.assign(
        text=[tables.gain_text(row) for row in judged.itertuples()],
        target=judged["city"].map(target_of),
    )
    found = {}
    for metric, own in text.groupby("metric", sort=False):
        wide = own.pivot(index="row", columns="target", values="text").fillna("")
        found[metric] = wide.reindex(own["row"].unique()).rename_axis(index=None)
    return found


def show_gains_by_target(judged: pd.DataFrame, caption: str) -> None:
    """The tables of `gains_by_target`, or a line that there is nothing to compare."""
    if judged.empty:
        print(f"{caption}: no pair of runs to compare yet")
    for number, (metric, table) in enumerate(gains_by_target(judged).items()):
        title = f"{caption}, {metric.upper()}, %"
        show_table(table, title, folded=OTHER if number else "")


def mae_gains_figure(judged: pd.DataFrame, title: str) -> plt.Figure | None:
    """Gains in MAE with intervals, a panel per target; None where nothing has two seeds."""
    if not judged["low"].notna().any():
        return None
    return gains_panels(judged[judged["metric"] == "mae"], title, "lower by, %")


def best_by_target(judged: pd.DataFrame) -> list[str]:
    """For each target and error how many rows have a gain, and which the largest; or "not run"."""
    lines = []
    places = [judged["city"].map(target_of), "metric"]
    for (target, metric), found in judged.groupby(places, sort=False):
        best = found.loc[found["gain"].idxmax()]
        lines.append(f"{target}, {metric.upper()}: {int((found['gain'] > 0).sum())} of "
                     f"{len(found)} are lower; the best is {best['row']}, "
                     f"by {best['gain']:+.1f} %")  # fmt: skip
    return lines or ["not run"]
