"""Table 2 beside the printed one, errors beside a rule and a line, and printed percentages.

`rows` is a table, {label: runs}; a task is a pair of cities and an amount of target data.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from stflow_lib import runs
from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.plots.transfers import POINTS, arrow, days, percents
from stflow_lib.book.tables import all_errors, by_seed, runs_at
from stflow_lib.gridflow.plan import DETERMINISTIC, RULES
from stflow_lib.runs import Rows
from stflow_lib.runs.pair import target_of
from stflow_lib.runs.table import NOT_RUN
from stflow_lib.verdicts import paired, statistics
from stflow_lib.verdicts.claims import SCENARIOS, reported

METRICS = ("rmse", "mae")
BESIDE = "Finetuned"  # a row with other seeds than it is set beside it on those that both have
REPEATS = ("Previous hour", "Yesterday", "Last week")  # need no day of the target
NONE_LEFT = "all failed"  # stands for the best of rows of which no training succeeded
IMPROVEMENTS = [
    "task", "data", "metric", "best baseline", "from the errors (%)", "printed (%)",
]  # fmt: skip


def summary_by_pair(rows: Rows, pairs: Iterable[str]) -> pd.DataFrame:
    """Means of every row at every pair: what knows no source under each of its sources.

    Columns of `runs.summary`, `pair`, and beside the seeds of BESIDE: for a row that lacks some of
    them `beside`, the mean of that one over the seeds that both have (NaN for all others), and
    whether the row has `more`.
    """
    frames = [
        runs.summary(group, METRICS).assign(row=row) for row, group in rows.items() if group
    ]
    long = pd.concat(frames, ignore_index=True)
    beside = [
        long[long["city"].isin([pair, target_of(pair)])].assign(pair=pair) for pair in pairs
    ]
    found = pd.concat(beside, ignore_index=True)
    shared = [_shared(rows, cell) for cell in found.itertuples()]
    return found.join(pd.DataFrame(shared, found.index, ["beside", "more"]))


def _shared(rows: Rows, cell) -> tuple[float, bool]:
    """`beside` and `more` of a cell; neither where a row needs but one seed."""
    place = cell.pair, cell.scarcity, cell.metric
    own, base = (_seeds(rows.get(name, []), *place) for name in (cell.row, BESIDE))
    both = own.keys() & base.keys()
    if rows[cell.row][0].method in DETERMINISTIC or not both:
        return np.nan, False
    theirs = float(np.mean([base[seed] for seed in both]))
    return theirs if base.keys() - both else np.nan, bool(own.keys() - both)


def _seeds(group: Iterable[runs.Run], pair: str, amount: str, metric: str) -> dict[int, float]:
    return {seed: e for (*_, seed), e in by_seed(group, pair, amount, metric).items()}


def printed_errors(metric: str, amount: str) -> pd.DataFrame:
    """The paper's Table 2, methods down and pairs across; NaN where it prints nothing.

    The numbers of methods without a source stand under each source.
    """
    found = reported("stbat", "Table 2").query("metric == @metric and fraction == @amount")
    wide = found.pivot(index="method", columns="dataset", values="value")
    pairs = [name for name in found["dataset"].unique() if ">" in name]
    alone = [f"{pair.split()[0]} {target_of(pair)}" for pair in pairs]
    return wide[pairs].fillna(wide.reindex(columns=alone).set_axis(pairs, axis=1))


def cell_text(cell) -> str:
    """Mean and spread of a cell of `runs.summary`, and what is lacking."""
    if not cell.n:
        return "collapsed" if cell.collapsed else NOT_RUN
    spread = "" if np.isnan(cell.spread) else f" ± {cell.spread:.3f}"
    paired = "" if np.isnan(cell.beside) else f"; {BESIDE} there {cell.beside:.3f}"
    few = f" (n={cell.n}{paired})" * bool(cell.missing or cell.collapsed or paired or cell.more)
    return f"{cell.mean:.3f}{spread}{few}" + " stale" * bool(cell.stale)


def metric_table(long: pd.DataFrame, metric: str, amount: str) -> pd.DataFrame:
    """Our rows of one metric and amount of data as text, pairs across under their protocol."""
    own = long[(long["scarcity"] == amount) & (long["metric"] == metric)]
    text = own.assign(text=[cell_text(cell) for cell in own.itertuples()])
    wide = text.pivot(index="row", columns="pair", values="text").fillna("")
    wide = wide.reindex(own["row"].unique())[list(own["pair"].unique())]
    tags = "here, " + own.drop_duplicates("pair").set_index("pair")["protocol"]
    wide.columns = pd.MultiIndex.from_tuples([(tags[p], arrow(p)) for p in wide])
    return wide.rename_axis(index="method")


def show_metric_tables(
    long: pd.DataFrame, caption: str, with_paper: bool = False, folded: str = ""
) -> None:
    """A table for each amount of data and metric: ours, and the printed numbers beside.

    `folded` says why all of them are closed.
    """
    for amount in long["scarcity"].unique():
        for metric, why in zip(METRICS, ("", OTHER), strict=True):
            wide = metric_table(long, metric, amount)
            if with_paper:
                theirs = printed_errors(metric, amount).reindex(wide.index)
                theirs = theirs.map("{:.3f}".format).replace("nan", "")
                names = [name.replace(">", ">\u200b") for name in theirs]  # may break there
                theirs.columns = pd.MultiIndex.from_product([["the paper, its files"], names])
                wide = wide.join(theirs)
            show_table(
                wide,
                f"{caption}: {metric.upper()} (trips per step), {days(amount)}",
                best=not folded,
                folded=folded or why,
            )


def usable_rules(long: pd.DataFrame, zero_shot: str, metric: str = "rmse") -> pd.DataFrame:
    """Recorded errors of rules that need no history; those that repeat need no day either."""
    rules = long[long["row"].isin(RULES[:4]) & (long["metric"] == metric)]
    repeats = rules[rules["row"].isin(REPEATS)].assign(scarcity=zero_shot)
    return pd.concat([rules, repeats]).query("n > 0")


def relative_errors(
    rows: Rows, base: Mapping[tuple[str, str], float], metric: str = "rmse"
) -> pd.DataFrame:
    """The error of every seed in percent of a task's `base`: see `transfers.relative_figure`."""
    points = [
        (pair, method, amount, *point)
        for (pair, amount), scale in base.items()
        for method, group in rows.items()
        if method not in REPEATS
        for point in percents(runs_at(group, pair, amount), metric, scale)
    ]
    return pd.DataFrame(points, columns=POINTS)


def best_of(rows: Rows, names: Iterable[str], pair: str, amount: str) -> tuple[str, float]:
    """The row with the lowest mean RMSE of those recorded with the most seeds, and that error.

    Failed trainings are in no mean; where nothing else is recorded the row is NONE_LEFT.
    """
    groups = {m: runs_at(rows.get(m, []), pair, amount) for m in names}
    errors = {m: paired.errors(group, "rmse") for m, group in groups.items()}
    most = max(map(len, errors.values()), default=0)
    if not most:
        tried = any(runs.records(group) for group in groups.values())
        return (NONE_LEFT if tried else NOT_RUN), np.nan
    means = {m: own.mean() for m, own in errors.items() if len(own) == most}
    best = min(means, key=means.__getitem__)
    return best, means[best]


def bars_to_pass(
    rows: Rows, rules: pd.DataFrame, tasks: Iterable[tuple[str, str]], networks: Sequence[str]
) -> pd.DataFrame:
    """For each task the best of the usable rules, the line, the best network, and STBaT."""
    lines = {}
    for pair, amount in tasks:
        here = rules[(rules["pair"] == pair) & (rules["scarcity"] == amount)]
        rule = (
            here.loc[here["mean"].idxmin()] if len(here) else {"row": NOT_RUN, "mean": np.nan}
        )
        network, error = best_of(rows, networks, pair, amount)
        lines[arrow(pair), days(amount)] = {
            "best rule": rule["row"], "its RMSE": rule["mean"],
            "Linear": best_of(rows, ["Linear"], pair, amount)[1],
            "best network": network, "its RMSE ": error,
            "STBaT": best_of(rows, ["STBaT"], pair, amount)[1],
        }  # fmt: skip
    return pd.DataFrame(lines).T.infer_objects()


def count_ahead(bars: pd.DataFrame) -> tuple[int, int, int]:
    """Tasks that the line and a network have run; in how many the line is ahead of the best
    network, and in how many that one is below the best rule.

    `bars`: of `bars_to_pass`. Where all trainings failed the line is ahead.
    """
    tried = bars[(bars["best network"] != NOT_RUN) & bars["Linear"].notna()]
    error, failed = tried["its RMSE "], tried["best network"] == NONE_LEFT
    ahead = failed | (tried["Linear"] < error)
    return len(tried), int(ahead.sum()), int((error < tried["its RMSE"]).sum())


def tasks_passed(
    group: Iterable[runs.Run], bars: pd.Series, tasks: Iterable[tuple[str, str]]
) -> str:
    """Of the tasks in which a row has two seeds: in how many all of its interval is below a bar.

    Failed trainings count, see `all_errors`.
    """
    sure, counted, group = 0, 0, list(group)
    for pair, amount in tasks:
        bar = bars[arrow(pair), days(amount)]
        gain = 100 * (1 - all_errors(runs_at(group, pair, amount), "rmse") / bar)
        sure += statistics.interval(gain)[0] > 0
        counted += len(gain) > 1 and bool(np.isfinite(bar))
    return f"{sure} of {counted}" if counted else "too few seeds"


def printed_improvements() -> pd.DataFrame:
    """STBaT's gain over the best baseline for each column of Table 2: computed, and printed."""
    table, lines = reported("stbat", "Table 2"), []
    for metric in METRICS:
        for amount in SCENARIOS.values():
            errors = printed_errors(metric, amount)
            best = errors.drop("STBaT").min()
            ours = 100 * (1 - errors.loc["STBaT"] / best)
            name = errors.drop("STBaT").idxmin()
            stated = table[(table["metric"] == f"{metric}_pct") & (table["fraction"] == amount)]
            for pair, value in stated.set_index("dataset")["value"].items():
                place = pair, days(amount), metric.upper()
                lines.append((*place, name[pair], ours[pair], value))
    return pd.DataFrame(lines, columns=IMPROVEMENTS)
