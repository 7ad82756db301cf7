"""The verdicts on the papers' claims: counted, as text with intervals, and as pictures.

`judged` is what `stflow_lib.verdicts.judge.judge` returns, with `title`, the paper's short name.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from stflow_lib.book.plots.style import BLUE, RED
from stflow_lib.verdicts.judge import VERDICTS

COLOURS = dict(zip(VERDICTS, (BLUE, RED, "#C8C8C8"), strict=True))
WORDS = {"confirmed": "yes", "not confirmed": "no", "not run": "-"}


def count_verdicts(judged: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """How often each verdict was reached, a row for each group in the order of `judged`."""
    counts = judged.groupby([*by, "verdict"]).size().unstack(fill_value=0)
    order = pd.MultiIndex.from_frame(judged[by].drop_duplicates())
    return counts.reindex(index=order, columns=list(VERDICTS), fill_value=0)


def judgement_text(row) -> str:
    """Verdict, difference and interval of one judgement."""
    if row.verdict == "not run":
        return WORDS[row.verdict]
    interval = f" [{row.interval_low:.3g}, {row.interval_high:.3g}]"
    known = interval * (not np.isnan(row.interval_low))
    return f"{WORDS[row.verdict]} {row.ours:.3g}{known}" + " (stale)" * bool(row.stale)


def judgements_table(found: pd.DataFrame) -> pd.DataFrame:
    """Statements down, cities across under their profile; places without any run are left out."""
    text = found.assign(text=[judgement_text(row) for row in found.itertuples()])
    wide = text.pivot(index="statement", columns=["profile", "city"], values="text").fillna("")
    return wide.loc[found["statement"].unique(), (~wide.isin(["-", ""])).any()]


def verdicts_figure(counts: pd.DataFrame) -> plt.Figure:
    """Shares of the verdicts, a bar for each row (title, kind) of `count_verdicts`."""
    fig, axis = plt.subplots(figsize=(8, 0.5 * len(counts) + 1.3), layout="constrained")
    left = pd.Series(0.0, counts.index)
    share = counts.div(counts.sum(axis=1), axis=0) * 100
    rows = [f"{title}: {kind} ({n})" for (title, kind), n in counts.sum(axis=1).items()]
    for verdict, colour in COLOURS.items():
        axis.barh(rows, share[verdict], left=left, color=colour, label=verdict)
        left += share[verdict]
    axis.set(title="Verdict by kind of claim", xlabel="share of judgements (%)", xlim=(0, 100))
    axis.invert_yaxis()
    fig.legend(ncols=3, loc="outside lower center")
    return fig


def with_interval(judged: pd.DataFrame) -> pd.DataFrame:
    """The judgements that have an interval, and its half width as `reach`."""
    reach = (judged["interval_high"] - judged["interval_low"]) / 2
    return judged.assign(reach=reach)[(judged["verdict"] != "not run") & (reach > 0)]


def certainty_figure(run: pd.DataFrame) -> plt.Figure:
    """Mean difference over the half width of its interval, a row for each city and profile.

    `run`: of `with_interval`. Right of 1 a claim is confirmed.
    """
    places = (run["title"] + ", " + run["city"] + ", " + run["profile"]).rename("place")
    names = list(places.unique())
    rank = places.groupby(places).rank("first", pct=True)
    height = places.map(names.index) + 0.6 * (rank - 0.5)
    fig, axis = plt.subplots(figsize=(8, 0.45 * len(names) + 1.4), layout="constrained")
    for verdict, colour in COLOURS.items():
        own = run["verdict"] == verdict
        certainty = (run["ours"] / run["reach"])[own]
        axis.scatter(certainty, height[own], s=14, color=colour, label=verdict)
    axis.set_yticks(range(len(names)), names)
    axis.axvline(1, color="0.4", lw=1)
    axis.axvline(-1, color="0.4", lw=1, ls=":")
    axis.set(title="How sure we are", xlabel="mean difference / half width of its interval (1)")
    axis.set_xscale("symlog", linthresh=2)
    axis.invert_yaxis()
    return fig
