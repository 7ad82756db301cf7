"""The verdicts on the papers' claims: counted, as text with intervals, and as pictures.

`judged` is what `stflow_lib.verdicts.judge.judge` returns, with `title`, the paper's short name.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.plots.comparisons import WORD_COLOURS
from stflow_lib.book.plots.style import ORANGE, SKY
from stflow_lib.book.plots.transfers import arrow
from stflow_lib.verdicts.ranking import FIXED, METRICS
from stflow_lib.verdicts.statistics import (
    FINDINGS,
    NO_DATA,
    NOT_CONVERGED,
    NOT_RUN,
    ONE_SEED,
    VERDICTS,
)

COLOURS = {NOT_RUN: "#E8E8E8", NO_DATA: "#CFCFCF", ONE_SEED: SKY, NOT_CONVERGED: ORANGE}
COLOURS |= WORD_COLOURS
COLUMNS = {"verdict": VERDICTS, "so_far": FINDINGS}  # and the words that each may hold
SHORT = dict(zip(FINDINGS, ("yes", "opposite", "equal", "open"), strict=True)) | {"": ONE_SEED}
EARLY = "*"  # marks what trainings say that did not converge


def count_verdicts(
    judged: pd.DataFrame, by: list[str], column: str = "verdict"
) -> pd.DataFrame:
    """How often each word stands in a column, a row for each group in the order of `judged`."""
    counts = judged.groupby([*by, column]).size().unstack(fill_value=0)
    order = pd.MultiIndex.from_frame(judged[by].drop_duplicates())
    return counts.reindex(index=order, columns=list(COLUMNS[column]), fill_value=0)


def judgement_text(row) -> str:
    """What the runs of one judgement say so far: a word, the difference and its interval."""
    if row.verdict in (NOT_RUN, NO_DATA):
        return "-"
    interval = f" [{row.interval_low:.3g}, {row.interval_high:.3g}]"
    known = interval * (not np.isnan(row.interval_low))
    early = EARLY * (row.verdict == NOT_CONVERGED)
    return f"{SHORT[row.so_far]}{early} {row.ours:.3g}{known}" + " (stale)" * bool(row.stale)


def days_sentence(judged: pd.DataFrame) -> str:
    """How many intervals know the test days, and what part of their variance days contribute."""
    run = with_interval(judged)
    share = run["share_of_days"].dropna()
    if share.empty:
        return f"{len(run)} intervals are over seeds alone: no record has its errors by day"
    return (
        f"{len(share)} of {len(run)} intervals are over seeds and days; of their variance days "
        f"contribute {100 * share.median():.0f} % (median; {100 * share.min():.0f} to "
        f"{100 * share.max():.0f} %), seeds the rest; the other intervals are over seeds alone"
    )


def stale_sentence(judged: pd.DataFrame) -> str:
    """How many judgements rest on records that are older than the code, and of which profiles."""
    run = judged[~judged["verdict"].isin([NOT_RUN, NO_DATA])]
    stale = run[run["stale"].astype(bool)]
    if stale.empty:
        return "No judgement rests on a record that is older than the code"
    profiles = ", ".join(stale["profile"].unique())
    return (
        f"{len(stale)} of {len(run)} judgements rest on a record that is older than the code "
        f"(stale), profile {profiles}"
    )


def judgements_table(found: pd.DataFrame) -> pd.DataFrame:
    """Statements down, cities across under their profile; places without any run are left out."""
    text = found.assign(
        text=[judgement_text(row) for row in found.itertuples()], city=found["city"].map(arrow)
    )
    wide = text.pivot(index="statement", columns=["profile", "city"], values="text").fillna("")
    return wide.loc[found["statement"].unique(), (~wide.isin(["-", ""])).any()]


def show_judgements(found: pd.DataFrame, title: str, ranked: str) -> None:
    """Orders and trends of one paper, a table for each profile.

    Closed are those of the short fixed schedule, and of an error by which nothing is ranked.
    """
    other = found["metric"].isin({*METRICS.values()} - {ranked})
    tables = {"": judgements_table(found[~other]), OTHER: judgements_table(found[other])}
    if all(wide.empty for wide in tables.values()):
        print(f"{title}: none of its {len(found)} orders and trends has been run")
    for word, wide in tables.items():
        _show_part(wide, title, word)


def _show_part(wide: pd.DataFrame, title: str, word: str) -> None:
    for profile in wide.columns.unique("profile"):
        own = wide.xs(profile, axis=1, level="profile")
        run = own[~own.isin(["-", ""]).all(axis=1)]
        where = f"by city, profile {profile}" if profile else "of any city"
        why = ", ".join(filter(None, ["a short fixed schedule" * (profile == FIXED), word]))
        caption = f"{title}: orders and trends, {where}"
        show_table(run.rename(columns={"": "so far"}), caption, folded=why)


NOTES = {  # beginning of a note -> what it is counted as
    "a gain of the printed size": "a gain of the printed size is excluded",
    "more seeds would not": "open: more seeds would not settle it",
    r"about \d seeds": "open: fewer than 10 seeds would settle it",
    r"about \d\d seeds": "open: 10 to 99 seeds would settle it",
    "about": "open: 100 seeds or more would settle it",
    r"\d+ failed": "failed runs are left out",
}


def notes_table(judged: pd.DataFrame) -> pd.DataFrame:
    """In how many judgements with runs a kind of note stands: notes down, papers across."""
    run = judged[judged["n"] > 0]
    notes = run.assign(note=run["note"].str.split("; ")).explode("note")
    kind = pd.Series("", notes.index)
    for start, words in NOTES.items():
        kind = kind.mask((kind == "") & notes["note"].str.match(start), words)
    notes = notes.assign(note=kind)[kind != ""]
    counts = notes.groupby(["note", "title"]).size().unstack(fill_value=0)
    return counts.reindex(index=[*NOTES.values()], fill_value=0).rename_axis(None, axis=1)


def excluded_gains(judged: pd.DataFrame) -> pd.DataFrame:
    """Where the printed gain of an order lies outside our interval: a row for each statement.

    Columns: the printed gain (percent, from the note), the places whose interval lies below it by
    profile, and on how many with runs the statement is judged.
    """
    mark = next(iter(NOTES))
    run = judged[judged["n"] > 0]
    excluded = run[run["note"].str.contains(mark, regex=False)]
    lines = [
        {
            "statement": statement,
            "printed": own["note"].str.extract(r"\(([\d.]+) %")[0].iloc[0] + " %",
            "excluded on": "; ".join(
                f"{arrow(r.city)} ({r.profile})" for r in own.itertuples()
            ),
            "of": int((run["statement"] == statement).sum()),
        }
        for statement, own in excluded.groupby("statement", sort=False)
    ]
    columns = ["statement", "printed", "excluded on", "of"]
    return pd.DataFrame(lines, columns=columns).set_index("statement")


def paper_table(counts: pd.DataFrame, so_far: pd.DataFrame) -> pd.DataFrame:
    """The two counts of one paper side by side, without words that nobody reached."""
    both = pd.concat({"verdict": counts, "so far": so_far}, axis=1)
    return both.loc[:, both.any()].rename_axis(columns=[None, None])


def verdicts_figure(counts: pd.DataFrame, so_far: pd.DataFrame) -> plt.Figure:
    """Shares of the verdicts, and of what the runs say so far: a bar for each (title, kind).

    `counts`, `so_far`: of `count_verdicts`; what has no finding yet is missing from the second.
    """
    fig, axes = plt.subplots(
        1, 2, figsize=(10, 0.5 * len(counts) + 1.7), layout="constrained", sharey=True
    )
    rows = [f"{title}: {kind} ({n})" for (title, kind), n in counts.sum(axis=1).items()]
    for axis, found in zip(axes, (counts, so_far), strict=True):
        left = pd.Series(0.0, counts.index)
        share = found.div(counts.sum(axis=1), axis=0) * 100
        for word in found:
            name = word if axis is axes[0] else None
            axis.barh(rows, share[word], left=left, color=COLOURS[word], label=name)
            left += share[word]
        axis.set(xlabel="share of judgements (%)", xlim=(0, 100))
    axes[0].set(title="Verdict by kind of claim")
    axes[1].set(title="What the runs say so far")
    axes[0].invert_yaxis()
    fig.legend(ncols=4, loc="outside lower center", frameon=False)
    return fig


def with_interval(judged: pd.DataFrame) -> pd.DataFrame:
    """The judgements that have an interval, and its half width as `reach`."""
    reach = (judged["interval_high"] - judged["interval_low"]) / 2
    return judged.assign(reach=reach)[reach > 0]


def certainty_figure(run: pd.DataFrame) -> plt.Figure:
    """Mean difference over the half width of its interval, a row for each city and profile.

    `run`: of `with_interval`. Right of 1 a claim is confirmed, left of -1 the opposite is, unless
    the dot is hollow: that is what runs say so far of which the verdict is another.
    """
    places = (run["title"] + ", " + run["city"] + ", " + run["profile"]).rename("place")
    names = list(places.unique())
    rank = places.groupby(places).rank("first", pct=True)
    height = places.map(names.index) + 0.6 * (rank - 0.5)
    fig, axis = plt.subplots(figsize=(8, 0.45 * len(names) + 1.4), layout="constrained")
    settled = run["verdict"].isin(FINDINGS)
    for word, colour in WORD_COLOURS.items():
        own = run["so_far"] == word
        certainty = (run["ours"] / run["reach"])[own]
        fill = np.where(settled[own], colour, "white")
        axis.scatter(certainty, height[own], s=16, color=fill, edgecolor=colour)
        axis.scatter([], [], s=16, color=colour, label=word)
    if not settled.all():
        why = "hollow: " + " or ".join(run["verdict"][~settled].unique())
        axis.scatter([], [], s=16, color="white", edgecolor="0.3", label=why)
    axis.set_yticks(range(len(names)), names)
    axis.axvline(1, color="0.4", lw=1)
    axis.axvline(-1, color="0.4", lw=1, ls=":")
    axis.set(title="How sure we are", xlabel="mean difference / half width of its interval (1)")
    axis.set_xscale("symlog", linthresh=2)
    axis.invert_yaxis()
    fig.legend(ncols=5, loc="outside lower center", frameon=False)
    return fig
