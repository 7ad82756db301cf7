"""Each paper's own method against the best of three groups: rules, its table, what it lacks."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module

import pandas as pd

from stflow_lib.book.advice import place, size, sizes
from stflow_lib.book.tables import judged_text
from stflow_lib.verdicts.claims import PAPERS, TITLES, reported
from stflow_lib.verdicts.ranking import METRICS, Standing, gain_over
from stflow_lib.verdicts.statistics import (
    CONFIRMED,
    EQUAL,
    NO_DATA,
    NOT_RUN,
    OPEN,
    OPPOSITE,
    verdict,
)

OWN = {"finegrained": "UrbanSTC", "gridflow": "STBaT", "speedgraph": "TSJT(STGCN)"}
VARIANTS = {  # the paper's own method in another form stands in no group
    "finegrained": ("UrbanSTC", "end-to-end"), "gridflow": ("STBaT",), "speedgraph": ("TSJT",),
}  # fmt: skip
RULE, PRINTED, LACKING = "best rule", "best printed method", "best that no paper has"
GROUPS = (RULE, PRINTED, LACKING)
COLUMNS = [
    "where", "profile", "error", "seeds", "group", "other", "gain", "low", "high", "so_far",
    "verdict",
]  # fmt: skip


def group_of(wing: str, method: str) -> str:
    """The group of another method; "" for a form of the paper's own."""
    if method.startswith(VARIANTS[wing]):
        return ""
    if method in import_module(f"stflow_lib.{wing}.plan").RULES:
        return RULE
    return PRINTED if method in _printed(PAPERS[wing]) else LACKING


@lru_cache
def _printed(paper: str) -> frozenset[str]:
    """The rows of a paper's tables."""
    return frozenset(reported(paper)["method"])


def against_best(wing: str, found: Iterable[Standing]) -> pd.DataFrame:
    """The paper's method against the best of each group, a row for each place and group.

    `gain`: by how much its error is lower, percent of the other's, with `low`, `high`, `so_far`
    and `verdict`; `error` and `seeds` are its own. Places where it is not ranked are left out.
    """
    lines = [
        (place(wing, one), one.profile, *one.rows.loc[OWN[wing], ["error", "seeds"]], *line)
        for one in found
        if OWN[wing] in one.rows.index
        for line in _lines(wing, one)
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def _lines(wing: str, one: Standing) -> Iterable[tuple]:
    mine = one.samples[OWN[wing]]
    groups = pd.Series({name: group_of(wing, name) for name in one.rows.index})
    for group in GROUPS:
        names = list(groups.index[groups == group])  # the lowest error first
        if names:
            gain, low, high, said = gain_over(mine, one.samples[names[0]])
            both = {OWN[wing], names[0]} <= one.converged
            word = verdict(said, enough=low == low, converged=both)
            yield group, names[0], gain, low, high, said, word


def table(found: pd.DataFrame) -> pd.DataFrame:
    """`against_best` as text: places down, the groups across, profiles where there are several."""
    texts = found.assign(
        text=[f"{row.other}: {judged_text(row)}" for row in found.itertuples()]
    )
    wide = texts.pivot(index="where", columns="group", values="text")
    first = found.drop_duplicates("where").set_index("where")
    front = pd.DataFrame({"error": first["error"], "seeds": first["seeds"].astype(int)})
    if first["profile"].nunique() > 1:
        front["records"] = first["profile"].map(size)
    wide = wide.reindex(columns=list(GROUPS)).loc[first.index].fillna("-")
    return front.join(wide)


WORDS = {CONFIRMED: "lower at {}", OPPOSITE: "higher at {}", EQUAL: "equal within 1 % at {}",
         OPEN: "open at {}", "": "without an interval at {}"}  # fmt: skip


def sentence(wing: str, found: pd.DataFrame) -> str:
    """How the paper's method stands against the best of each group, counted over places."""
    title = TITLES[PAPERS[wing]]
    if found.empty:
        return f"{title}: no records yet."
    parts = []
    for group in [group for group in GROUPS if group in set(found["group"])]:
        counts = Counter(found.loc[found["group"] == group, "so_far"])
        said = ", ".join(text.format(counts[w]) for w, text in WORDS.items() if counts[w])
        parts.append(f"of the {group}: {said}")
    return (
        f"{title}: test {METRICS[wing].upper()} of {OWN[wing]} at {found['where'].nunique()} "
        f"cities and amounts of data. Against the error {'; '.join(parts)}. "
        f"Records: {sizes(found['profile'])}."
    )


QUESTIONS = {
    "finegrained": "A fine map from a coarse one",
    "gridflow": "The next hour of demand in a city with few days",
    "speedgraph": "The next hour of speeds on roads with few days",
}


def finding(wing: str, found: pd.DataFrame) -> str:
    """For the front page: in how many settings the paper's method wins or loses against whom.

    A setting is a city with an amount of data; it is won or lost where the whole interval so far
    lies on one side. `found`: of `against_best`.
    """
    title = TITLES[PAPERS[wing]]
    if found.empty:
        return f"{QUESTIONS[wing]} ({title}): no records yet."
    parts = []
    for group, own in found.groupby("group", sort=False):
        ahead, behind, bare = (
            int(own["so_far"].eq(w).sum()) for w in (CONFIRMED, OPPOSITE, "")
        )
        untold = f", {bare} without an interval" * bool(bare)
        parts.append(
            f"the {group} in {ahead} of {len(own)} settings (worse in {behind}{untold})"
        )
    return f"{QUESTIONS[wing]}: {title} is better than {', '.join(parts)}."


def claims_sentence(judged: pd.DataFrame) -> str:
    """What became of the claims of one paper (of `judge`), in words and counts."""
    run = judged[~judged["verdict"].isin([NOT_RUN, NO_DATA])]
    final = run["verdict"].value_counts()
    early = run.loc[run["so_far"] != "", "so_far"].value_counts()
    text = ", ".join(f"{word} {count}" for word, count in final.items())
    so_far = ", ".join(f"{word} {count}" for word, count in early.items())
    return (
        f"{judged['id'].nunique()} claims give {len(judged)} judgements, one for each city; "
        f"{len(run)} have runs: {text or 'none'}. What all intervals say so far, also those of "
        f"trainings that had not converged: {so_far or 'nothing'}."
    )
