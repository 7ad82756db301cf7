"""The weight of the sources by amount of data: gains over the target alone, and what they say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book import tables
from stflow_lib.book.display import OTHER, show_table, show_text
from stflow_lib.book.plots.speedgraph.left import LAST, show_left
from stflow_lib.book.plots.speedgraph.sources_and_days import (
    ERRORS,
    amounts_of,
    days_of,
    mean_at,
    show_verdicts,
)
from stflow_lib.book.plots.style import PALETTE, bare, legend_below
from stflow_lib.book.plots.transfers import in_words
from stflow_lib.runs import Rows, Run
from stflow_lib.speedgraph.tables import ALONE, OURS, RATIOS, RULES

LOSS = 1.0  # percent of the error: a loss that is called no harm
LABELS = {"TSB": "with TSB", "sum": "without: plain sum"}


def gains(rows: Rows) -> pd.DataFrame:
    """How much lower each weight's errors are than the target's alone, by rule and ratio."""
    judged = tables.compare(
        rows, {name: (name, ALONE) for name in rows if name != ALONE}, ERRORS
    )
    parts = judged["row"].str.split(", ", expand=True).reindex(columns=[0, 1])
    return judged.assign(rule=parts[0], ratio=parts[1])


def ratio_figure(judged: pd.DataFrame, metric: str, title: str) -> plt.Figure | None:
    """Gain over the target alone by ratio, a panel for each amount of data, a line for each rule.

    `judged`: of `gains`. Bars are 95 % intervals over seeds and days, one seed has none; below
    zero the sources harm. None without a record.
    """
    shown = judged[judged["metric"] == metric]
    amounts = sorted(shown["scarcity"].unique(), key=float)
    if not amounts:
        return None
    fig, axes = plt.subplots(1, len(amounts), figsize=(4.6 * len(amounts), 3.6), sharey=True,
                             layout="constrained", squeeze=False)  # fmt: skip
    for axis, amount in zip(axes[0], amounts, strict=True):
        _panel(axis, shown[shown["scarcity"] == amount])
        axis.set(title=in_words(amount), xlabel="weight of the sources over the target's")
    axes[0, 0].set_ylabel(f"{metric.upper()} below {ALONE.lower()}, %")
    legend_below(fig, 3)
    fig.suptitle(title)
    return fig


def _panel(axis: plt.Axes, here: pd.DataFrame) -> None:
    """One amount of data: rules side by side at each ratio."""
    for k, rule in enumerate(RULES):
        own = here[here["rule"] == rule].set_index("ratio").reindex(list(RATIOS))
        x, colour = np.arange(len(RATIOS)) + 0.08 * (2 * k - 1), PALETTE[k]
        axis.plot(x, own["gain"], "-o" if k else "-s", color=colour, label=LABELS[rule])
        axis.vlines(x, own["low"], own["high"], color=colour, lw=1.6)
    axis.axhline(0, color="0.3", lw=1)
    axis.set_xticks(range(len(RATIOS)), list(RATIOS))
    bare(axis, "y")


def best_ratios(rows: Rows, judged: pd.DataFrame, metric: str = "mae") -> pd.DataFrame:
    """The ratio with the lowest mean error, and whether that is beyond doubt: rules by amounts.

    It is where its error is lower than that of each other ratio with the whole interval, paired by
    seed. A best of fewer than all ratios is no best: "2 of 3 run".
    """
    return _by_rule(judged, metric, lambda own: _best(rows, own))


def _best(rows: Rows, own: pd.DataFrame) -> str:
    """ "1/20 (not beyond doubt)"; of a ratio at either end of the grid that too."""
    at = own.loc[own["gain"].idxmax()]
    pairs = {row: (at["row"], row) for row in own["row"] if row != at["row"]}
    over = tables.compare(rows, pairs, [at["metric"]])
    over = over[over["scarcity"] == at["scarcity"]]
    sure = len(over) == len(pairs) and bool((over["low"] > 0).all())
    end = {0: ", the least tried", len(RATIOS) - 1: ", the most tried"}
    edge = end.get([*RATIOS].index(at["ratio"]), "")
    return f"{at['ratio']} ({'' if sure else 'not '}beyond doubt{edge})"


def harm(judged: pd.DataFrame, metric: str = "mae") -> pd.DataFrame:
    """At how many ratios the sources are shown to do no harm in an error, or to do some.

    No harm: the whole interval of the gain over the target alone lies above -LOSS percent; harm:
    the whole interval lies below zero. What is neither is not known.
    """

    def words(own: pd.DataFrame) -> str:
        none, some = int((own["low"] > -LOSS).sum()), int((own["high"] < 0).sum())
        return f"no harm {none}, harm {some}, not known {len(own) - none - some}"

    return _by_rule(judged, metric, words)


def _by_rule(judged: pd.DataFrame, metric: str, words) -> pd.DataFrame:
    """What `words` says of all ratios of a rule at an amount of data, in one error."""
    some, cells = judged[judged["metric"] == metric], {}
    for amount in sorted(some["scarcity"].unique(), key=float):
        here = some[some["scarcity"] == amount]
        own = {rule: here[here["rule"] == rule] for rule in RULES}
        cells[in_words(amount)] = {
            LABELS[rule]: words(found)
            if len(found) == len(RATIOS)
            else f"{len(found)} of {len(RATIOS)} run"
            for rule, found in own.items()
        }
    return pd.DataFrame(cells).rename_axis(index="rule")


def falls(rows: Rows, judged: pd.DataFrame, metric: str) -> list[str]:
    """Whether the ratio with the lowest mean error is smaller with more data: a sentence a rule.

    Of rules whose ratios are all run at two amounts of data or more.
    """
    some, said = judged[judged["metric"] == metric], []
    for rule, own in some.groupby("rule", sort=False):
        full = {a: one for a, one in own.groupby("scarcity") if len(one) == len(RATIOS)}
        amounts = sorted(full, key=float)
        if len(amounts) > 1:
            best = "; ".join(f"{_best(rows, full[a])} with {in_words(a)}" for a in amounts)
            what = f"{metric.upper()}, {LABELS[rule].removeprefix('without: ')}"
            trend = _trend([full[a] for a in amounts])
            said.append(f"{what}, ratio of the lowest mean: {best}. {trend}")
    return said


def _trend(by_amount: list[pd.DataFrame]) -> str:
    """How the ratio of the lowest mean moves from the least data to the most."""
    places = [[*RATIOS].index(one.loc[one["gain"].idxmax(), "ratio"]) for one in by_amount]
    steps = np.diff(places)
    if not steps.any():
        return "It is the same with more data."
    way = (
        "falls" if (steps <= 0).all() else "rises" if (steps >= 0).all() else "moves both ways"
    )
    return f"It {way} as data grow."


def with_and_without(rows: Rows, metric: str) -> str:
    """What TSB brings at the same weight of the sources, beside the plain sum."""
    pairs = {ratio: (f"TSB, {ratio}", f"sum, {ratio}") for ratio in RATIOS}
    known = {label: pair for label, pair in pairs.items() if all(name in rows for name in pair)}
    own = tables.compare(rows, known, [metric])
    if own.empty:
        return f"{metric.upper()}: no weight is run both with TSB and without."
    return (
        f"{metric.upper()} with TSB below that of the plain sum at the same weight by "
        f"{own['gain'].min():+.1f} to {own['gain'].max():+.1f} %, beyond doubt lower in "
        f"{(own['low'] > 0).sum()} and higher in {(own['high'] < 0).sum()} of {len(own)} cases."
    )


def references(rows: Rows, scarcity: Rows) -> Rows:
    """What learns by no steps, of the main table, at the amounts of data of `rows`."""
    amounts = amounts_of(rows)
    return {
        name: [run for run in scarcity[name] if run.scarcity in amounts]
        for name in (LAST, *OURS)
    }


def above_last(rows: Rows, rule: list[Run]) -> str:
    """At each amount of data, how many rows have a mean MAE above the last value's."""
    found = []
    for amount in amounts_of(rows):
        bar = mean_at(rule, amount)
        means = [m for group in rows.values() if not np.isnan(m := mean_at(group, amount))]
        worse = sum(mean > bar for mean in means)
        found.append(f"{worse} of {len(means)} with {in_words(amount)}")
    return (
        f"Rows of this section, {ALONE.lower()} among them, with a mean MAE above that of the last "
        f"value: {', '.join(found)}. A gain over something that is worse than repeating the last "
        "value is no reason to use either."
    )


def show_ratios(rows: Rows, beside: Rows, title: str) -> None:
    """Figure, gains with their verdicts, the two answers, and where the numbers come from.

    `beside`: of `references`, gaps allowed.
    """
    judged, whole = gains(rows), rows | beside
    if ratio_figure(judged, "mae", title):
        plt.show()
    others = {name: (name, ALONE) for name in whole if name != ALONE}
    show_verdicts(tables.compare(whole, others, ERRORS), whole, title)
    if judged.empty:
        show_text("Neither question has an answer yet: no ratio is run.")
        return
    show_text(above_last(rows, beside[LAST]))
    for error in ERRORS:
        _show_answers(rows, judged, error)
    show_left(rows, beside[LAST], days_of, title)
    tables.show_provenance(rows)


def _show_answers(rows: Rows, judged: pd.DataFrame, error: str) -> None:
    """Both questions in one error: tables, closed for all errors but the first, and sentences."""
    name, folded = error.upper(), OTHER if error != ERRORS[0] else ""
    best = best_ratios(rows, judged, error)
    show_table(best, f"Ratio with the lowest mean {name}", folded=folded)
    caption = f"Ratios by what their intervals say of harm in {name} (none: below {LOSS:g} %)"
    show_table(harm(judged, error), caption, folded=folded)
    for sentence in (*falls(rows, judged, error), with_and_without(rows, error)):
        show_text(sentence)
