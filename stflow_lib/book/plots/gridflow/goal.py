"""How far a method of ours is below the best other one, and whether the goal is met.

`gains` is what `stflow_lib.book.tables.compare` returns for our method beside each other one.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from stflow_lib.book.findings import over_the_best
from stflow_lib.book.plots.gridflow.results import METRICS, usable_rules
from stflow_lib.book.plots.transfers import arrow, days
from stflow_lib.book.tables import gain_text
from stflow_lib.gridflow.beyond.ensemble import PARTS
from stflow_lib.runs import Run, records

GOAL = 5.0  # percent below the best other method
PLACE = ["city", "scarcity", "metric"]
REACHED, MISSED, BEHIND, CLEARLY = "reached", "missed", "behind", "clearly behind"


def beside_rules(long: pd.DataFrame, ours: str, none: str) -> pd.DataFrame:
    """Gains over rules that need no day of the target, where there is none.

    `long`: of `results.summary_by_pair`. Both repeat with every seed; without an interval.
    """
    frames = [usable_rules(long, none, metric) for metric in METRICS]
    rules = pd.concat(frames).query("scarcity == @none").rename(columns={"mean": "theirs"})
    own = long[(long["row"] == ours) & (long["n"] > 0)].rename(columns={"mean": "mine"})
    keys = ["pair", "scarcity", "metric"]
    both = rules[[*keys, "row", "theirs"]].merge(own[[*keys, "mine"]], on=keys)
    gain = 100 * (1 - both["mine"] / both["theirs"])
    lacks = {"low": np.nan, "high": np.nan, "n": 1, "so_far": "", "verdict": ""}
    return both.rename(columns={"pair": "city"}).assign(gain=gain, **lacks)[
        [*PLACE, "row", "gain", *lacks]
    ]


def against_best(gains: pd.DataFrame) -> pd.DataFrame:
    """The gain over the best other method of each pair, amount of data and metric, and `word`."""
    best = over_the_best(gains, PLACE)
    words = np.select(
        [best["high"] < 0, best["gain"] < 0, best["gain"] < GOAL],
        [CLEARLY, BEHIND, MISSED], REACHED,
    )  # fmt: skip
    order = {"by": ["city", "scarcity"], "ascending": [True, False], "kind": "stable"}
    return best.assign(word=words).sort_values(**order)


def goal_table(best: pd.DataFrame) -> pd.DataFrame:
    """Pairs and amounts of data down; the best other method, the gain and the word across."""
    lines = best.assign(
        pair=best["city"].map(arrow), amount=best["scarcity"].map(days),
        text=[gain_text(row) for row in best.itertuples()],
    ).set_index(["pair", "amount"])  # fmt: skip
    names = {"row": "best other", "text": "lower by (%)", "word": f"{GOAL:g} % below"}
    parts = {
        metric.upper(): lines.loc[lines["metric"] == metric, [*names]].rename(columns=names)
        for metric in METRICS
    }
    return pd.concat(parts, axis=1).rename_axis(index=[None, None])


def shares_said(group: Iterable[Run], part: str) -> str:
    """How much of an ensemble one of its parts is, over recorded runs with days of the target."""
    shares = [r["notes"]["shares"] for r in records(group) if r["notes"].get("shares")]
    name, place = PARTS[part].name, list(PARTS).index(part)
    if not shares:
        return f"No record tells the weight of {name}."
    own = [weights[place] for weights in shares]
    most = sum(
        weights[place] > max(weights[:place] + weights[place + 1 :]) for weights in shares
    )
    return (
        f"Where days are seen, {name} has {min(own):.2f} to {max(own):.2f} of the weight, more "
        f"than any other part in {most} of {len(own)} trainings, on held-out pairs too."
    )


def goal_sentences(best: pd.DataFrame, what: str) -> list[str]:
    """In how many places the goal is met, and where ours is behind: one for each metric."""
    said = []
    for metric, own in best.groupby("metric", sort=False):
        met = int((own["word"] == REACHED).sum())
        behind = [
            f"{arrow(row.city)}, {days(row.scarcity)}: {row.gain:+.1f} % beside {row.row}"
            + " (clearly)" * (row.word == CLEARLY)
            for row in own[own["gain"] < 0].sort_values("gain").itertuples()
        ]
        where = (
            f"Behind it in {len(behind)}: {'; '.join(behind)}" if behind else "Never behind it"
        )
        said.append(
            f"{what}, {str(metric).upper()}: {GOAL:g} % below the best other method in {met} of "
            f"{len(own)}. {where}."
        )
    return said
