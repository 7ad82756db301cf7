"""The weight of the sources by amount of data: gains over the target alone, and what they say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book import tables
from stflow_lib.book.display import show_table, show_text
from stflow_lib.book.plots.speedgraph.sources_and_days import ERRORS, in_words, show_verdicts
from stflow_lib.book.plots.style import PALETTE, bare, legend_below
from stflow_lib.runs import Rows
from stflow_lib.speedgraph.tables import ALONE, RATIOS, RULES

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


def best_ratios(judged: pd.DataFrame) -> pd.DataFrame:
    """The ratio with the lowest mean MAE: rules down, amounts across; "2 of 3 run" with a gap.

    A best of fewer than all ratios is no best.
    """
    return _by_rule(judged, lambda own: str(own.loc[own["gain"].idxmax(), "ratio"]))


def harmless_ratios(judged: pd.DataFrame) -> pd.DataFrame:
    """At how many ratios the MAE is not clearly above the target's alone: "2 of 3".

    Clearly: the whole interval; of single seeds nothing is clear.
    """

    def words(own: pd.DataFrame) -> str:
        if own["low"].isna().any():
            return "one seed"
        return f"{int((own['high'] >= 0).sum())} of {len(own)}"

    return _by_rule(judged, words)


def _by_rule(judged: pd.DataFrame, words) -> pd.DataFrame:
    """What `words` says of all ratios of a rule at an amount of data."""
    mae, cells = judged[judged["metric"] == "mae"], {}
    for amount in sorted(mae["scarcity"].unique(), key=float):
        own = {rule: mae[(mae["rule"] == rule) & (mae["scarcity"] == amount)] for rule in RULES}
        cells[in_words(amount)] = {
            LABELS[rule]: words(found)
            if len(found) == len(RATIOS)
            else f"{len(found)} of {len(RATIOS)} run"
            for rule, found in own.items()
        }
    return pd.DataFrame(cells).rename_axis(index="rule")


def show_ratios(rows: Rows, judged: pd.DataFrame, title: str) -> None:
    """Figure, gains with their verdicts, the two answers, and where the numbers come from."""
    if ratio_figure(judged, "mae", title):
        plt.show()
    show_verdicts(judged, rows, title)
    if judged.empty:
        show_text("Neither question has an answer yet: no ratio is run.")
        return
    show_table(best_ratios(judged), "Best ratio by MAE")
    show_table(harmless_ratios(judged), "Ratios that do no clear harm in MAE")
    tables.show_provenance(rows)
