"""Do pretexts pay: every subset of them against none, and what the paper's sentences come to."""

from collections import Counter
from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.plots.comparisons import gains_figure
from stflow_lib.book.plots.finegrained.ablations import rows_table
from stflow_lib.book.verdict_table import verdicts_table
from stflow_lib.finegrained.ablations import CONTROL
from stflow_lib.runs import Rows

METRICS = ("rmse", "mae")
SENTENCES = {  # of the paper -> the claims' ids that it comes to
    "Table 7: any two pretexts are better than one": r"order\.table7\.\w+\+\w+-",
    "Table 7: all three are better than any two": r"order\.table7\.\w+\+\w+\.",
    "Table 7: all three are better than one": r"order\.table7\.[a-z]+\.",
    "Table 7: of single ones tcs is best, reg worst": r"order\.table7\.[a-z]+-",
    "Figure 6: weight sampling is better below 60 %": r"order\.figure6\.[24]0\.",
    "Figure 6: hard sampling is better with all data": r"order\.figure6\.100\.",
    "Figure 7a: 1e-4 is best for taxis": r"order\.figure7a\.",
    "Figure 7b: 5e-5 is best for bicycles": r"order\.figure7b\.",
    "Figure 8a: the more channels, the better": r"order\.figure8\.",
    "Figure 9a: UrbanSTC is better at any amount of data": r"order\.[A-Z]\w+\.",
    "Figure 9b: UrbanSTC has fewer parameters": r"order\.table10\.",
}
SIZES = "networks of the paper's size"  # where parameters are counted, without a city


def show_errors(rows: Rows) -> None:
    """Errors of each row by city and amount of data, how long it learned, and their origin."""
    laid_out = rows_table(rows)
    for metric, why in zip(METRICS, ("", OTHER), strict=True):
        wide = laid_out.xs(metric, axis=1, level=2).rename_axis(index="pretexts")
        wide = wide.rename(columns="{} %".format, level=1)
        show_table(wide, f"Trained to the end: {metric.upper()}", best=True, folded=why)
    show_table(steps(rows), "Optimiser steps of all stages, mean over seeds", digits=0)
    tables.show_provenance(rows)


def steps(rows: Rows) -> pd.DataFrame:
    """Steps of all stages together, mean over seeds: rows down, (city, amount) across."""
    lines = [
        (label, r["city"], f"{r['scarcity']} %", sum(s["steps"] for s in r["stages"].values()))
        for label, group in rows.items()
        for r in runs.records(group)
    ]
    frame = pd.DataFrame(lines, columns=["pretexts", "city", "amount", "steps"])
    wide = frame.pivot_table("steps", "pretexts", ["city", "amount"], sort=False)
    return wide.reindex([label for label in rows if label in wide.index]).astype(float)


def gains_over_none(rows: Rows) -> pd.DataFrame:
    """How much lower each row's errors are than the control's, paired by seed and day."""
    return tables.compare(
        rows, {name: (name, CONTROL) for name in rows if name != CONTROL}, METRICS
    )


def show_gains_over_none(rows: Rows, gains: pd.DataFrame) -> None:
    """The gains with their verdicts, and those in RMSE as a picture where there are intervals."""
    wide = verdicts_table(gains, rows, CONTROL, METRICS).rename_axis(index="pretexts")
    wide = wide.rename(columns="{} %".format, level=2)
    show_table(wide, f"Lower than {CONTROL} by, % of its error; verdict")
    drawn = gains[gains["metric"].eq("rmse")]
    if drawn["low"].notna().any():
        label = drawn["row"] + ", " + drawn["city"] + ", " + drawn["scarcity"] + " %"
        title = f"RMSE below that of {CONTROL}, 95 % intervals over seeds and days"
        gains_figure(drawn.assign(label=label)).axes[0].set_title(title)
        plt.show()


def sentences_table(
    judged: pd.DataFrame, sentences: Mapping[str, str] = SENTENCES
) -> pd.DataFrame:
    """Verdicts on the claims that each sentence comes to: sentences down, cities across.

    `judged`: of `verdicts.judge`. A cell counts verdicts, "open 3, not run 6"; empty: the
    sentence is not about that city.
    """
    cells = {
        name: _counts(judged[judged["id"].str.match(ids)]) for name, ids in sentences.items()
    }
    wide = pd.DataFrame.from_dict(cells, orient="index").reindex(list(sentences))
    return wide.fillna("").rename_axis(index="the paper")


def _counts(judged: pd.DataFrame) -> dict[str, str]:
    """City -> its verdicts, counted: "open 3, not run 6"."""
    return {
        city or SIZES: ", ".join(f"{word} {n}" for word, n in Counter(words).items())
        for city, words in judged.groupby("city", sort=False)["verdict"]
    }
