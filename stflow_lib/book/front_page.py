"""The findings in five lines, in English and in Chinese, counted from the records.

    python -m stflow_lib.book.front_page      # writes them anew into the pages that show them

Both languages are the same counts in other words. A place is a city with an amount of data.
"""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from stflow_lib import ROOT
from stflow_lib.book.glance import GROUPS, LACKING, OWN, RULE, against_best, group_of
from stflow_lib.data.files.write import write_atomic
from stflow_lib.verdicts.claims import PAPERS, TITLES
from stflow_lib.verdicts.evidence import collect
from stflow_lib.verdicts.judge import judge
from stflow_lib.verdicts.ranking import METRICS, Standing, standings
from stflow_lib.verdicts.statistics import CONFIRMED, EQUAL, NO_DATA, NOT_RUN, OPPOSITE

PAGES = {"README.md": "en", "book/zh.md": "zh"}
START, END = "<!-- findings, by stflow_lib.book.front_page -->\n", "<!-- end of findings -->"
LEAST = 3  # methods that must have been tried at a place

PROBLEMS = {
    "en": {"finegrained": "Fine maps", "gridflow": "Demand", "speedgraph": "Speeds"},
    "zh": {
        "finegrained": "细粒度流量推断", "gridflow": "网格需求预测", "speedgraph": "路网速度预测",
    },
}  # fmt: skip
WING = {
    "en": (
        "**{problem}** ({title}, test {metric}, {places} settings): against the best simple rule "
        "{rule_lower} won, {rule_higher} lost, {rule_open} too close to call, {rule_bare} without "
        "an interval; against the best method that this book adds {lacking_lower} won, "
        "{lacking_higher} lost, {lacking_open} too close to call, {lacking_bare} without an "
        "interval."
    ),
    "zh": (
        "**{problem}**（{title}，测试 {metric}，{places} 种设定）："
        "对最好的简单规则 {rule_lower} 胜 {rule_higher} 负，{rule_open} 种难分高下，"
        "{rule_bare} 种没有区间；对本书补充的最好方法 {lacking_lower} 胜 {lacking_higher} 负，"
        "{lacking_open} 种难分高下，{lacking_bare} 种没有区间。"
    ),
}
LEADERS = {
    "en": (
        "**Who leads**: the lowest error of {places} settings belongs {own} times to the paper's "
        "own method, {printed} times to another in its tables, {rule} times to a simple rule and "
        "{lacking} times to a method that this book adds."
    ),
    "zh": (
        "**谁领先**：{places} 种设定中误差最低的，{own} 种是论文自己的方法，{printed} 种是其表格"
        "中的其他方法，{rule} 种是简单规则，{lacking} 种是本书补充的方法。"
    ),
}
CLAIMS = {
    "en": (
        "**Claims**: of {all} checks of what the papers claim {run} have runs: {confirmed} "
        "confirmed, {opposite} opposite, {equal} equal, {rest} not settled yet."
    ),
    "zh": (
        "**论断**：论文论断共 {all} 项检验，{run} 项已有实验：{confirmed} 项证实，"
        "{opposite} 项相反，{equal} 项持平，{rest} 项尚无定论。"
    ),
}


def versus(found: pd.DataFrame) -> dict[str, int]:
    """Places, and at how many the paper's error is lower or higher than a group's best.

    `found`: of `glance.against_best`; lower and higher mean that the whole 95 % interval is,
    open that it includes zero, bare that there is none.
    """
    counts = {"places": found["where"].nunique()}
    for name, group in (("rule", RULE), ("lacking", LACKING)):
        said = Counter(found.loc[found["group"] == group, "so_far"])
        lower, higher = said[CONFIRMED], said[OPPOSITE]
        bare = said[""]  # one seed: nothing is close where nothing is known
        undecided = said.total() - lower - higher - bare
        found_here = {"lower": lower, "higher": higher, "open": undecided, "bare": bare}
        counts |= {f"{name}_{word}": number for word, number in found_here.items()}
    return counts


def leaders(ranked: Mapping[str, list[Standing]]) -> dict[str, int]:
    """Places of all wings, and to which kind of method the lowest error belongs."""
    kinds = dict(zip(("", *GROUPS), ("own", "rule", "printed", "lacking"), strict=True))
    first = Counter(
        kinds[group_of(wing, one.best)] for wing, found in ranked.items() for one in found
    )
    return {"places": first.total(), **{kind: first[kind] for kind in kinds.values()}}


def claims(judged: pd.DataFrame) -> dict[str, int]:
    """Judgements of `judge`: how many, how many with runs, and their verdicts."""
    run = judged.loc[~judged["verdict"].isin([NOT_RUN, NO_DATA]), "verdict"]
    words = {"confirmed": CONFIRMED, "opposite": OPPOSITE, "equal": EQUAL}
    counts = {name: int((run == word).sum()) for name, word in words.items()}
    return {
        "all": len(judged),
        "run": len(run),
        **counts,
        "rest": len(run) - sum(counts.values()),
    }


def findings() -> dict[str, list[str]]:
    """Language -> five sentences, from the records that are here."""
    evidence = {wing: collect(wing) for wing in METRICS}
    ranked = {w: list(standings(e, METRICS[w], LEAST)) for w, e in evidence.items()}
    counts = {wing: versus(against_best(wing, found)) for wing, found in ranked.items()}
    judged = pd.concat([judge(wing, found) for wing, found in evidence.items()])
    first, verdicts = leaders(ranked), claims(judged)
    return {
        language: [
            *(_wing(language, wing, count) for wing, count in counts.items()),
            LEADERS[language].format(**first),
            CLAIMS[language].format(**verdicts),
        ]
        for language in WING
    }


def _wing(language: str, wing: str, counts: dict[str, int]) -> str:
    return WING[language].format(
        problem=PROBLEMS[language][wing],
        metric=METRICS[wing].upper(),
        title=OWN[wing] if wing == "speedgraph" else TITLES[PAPERS[wing]],
        **counts,
    )


def block(sentences: list[str]) -> str:
    """The sentences as a list between the marks."""
    return START + "".join(f"- {sentence}\n" for sentence in sentences) + END


def with_findings(text: str, sentences: list[str]) -> str:
    """A page with what stands between its marks replaced; ValueError where it has none."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"no place for the findings, want {START.strip()} and {END}")
    return before + block(sentences) + after


def main() -> None:
    """Write the findings into the pages that show them."""
    said = findings()
    for page, language in PAGES.items():
        path = ROOT / page
        text = with_findings(path.read_text(encoding="utf-8"), said[language])
        write_atomic(path, text.encode())


if __name__ == "__main__":
    main()
