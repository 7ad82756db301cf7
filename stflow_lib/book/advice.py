"""What to use where: standings of the methods as tables and sentences."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from stflow_lib.book.plots.transfers import arrow, in_words
from stflow_lib.runs import Run
from stflow_lib.runs.pair import target_of
from stflow_lib.verdicts import choosing
from stflow_lib.verdicts.ranking import FIXED, Standing
from stflow_lib.verdicts.statistics import CONFIRMED, EQUAL, interval_text

PROBLEMS = {"finegrained": "Fine maps", "gridflow": "Demand", "speedgraph": "Speeds"}
UNSHOWN = "no difference shown"
SIZES = {FIXED: "lab, short fixed schedule"}  # words for a profile, else its name


def place(wing: str, one: Standing | Run) -> str:
    """City and amount of data as people read them; of many sources only the target."""
    city = target_of(one.city) if wing == "speedgraph" else arrow(one.city)
    amount = f"{one.scarcity} %" if wing == "finegrained" else in_words(one.scarcity)
    return f"{city}, {amount}"


def size(profile: str) -> str:
    """A profile in words that say how long its trainings are."""
    return SIZES.get(profile, profile)


def difference_word(row) -> str:
    """What the interval says of the best against another: yes, or how it cannot be told."""
    if np.isnan(row.low):
        return "no interval"
    words = {CONFIRMED: "yes", EQUAL: EQUAL}
    return words.get(row.so_far, UNSHOWN)


def answers(wing: str, found: Iterable[Standing]) -> pd.DataFrame:
    """What to use at each place: the best method against the next, and what is level with it.

    The profile is a column where there are several, else it belongs in the caption.
    """
    frame = pd.DataFrame([_answer(wing, one) for one in found]).set_index("where")
    return frame if frame["profile"].nunique() > 1 else frame.drop(columns="profile")


def schedules(found: Iterable[Standing]) -> str:
    """`sizes` of the profiles of some places' networks."""
    return sizes(one.profile for one in found if one.trained) or "none"


def sizes(profiles: Iterable[str]) -> str:
    """Some profiles, each once, for a caption or a sentence."""
    return "; ".join(dict.fromkeys(map(size, profiles)))


def _answer(wing: str, one: Standing) -> dict[str, str]:
    following = one.rows.iloc[1]
    word, single = difference_word(following), one.rows.index[1:][one.rows["low"].isna()[1:]]
    unknown = f"; no interval: {_list(single)}" if len(single) else ""
    return {
        "where": place(wing, one),
        "use": one.cheapest,
        "lowest error": one.best,
        "next": str(following.name),
        "lower by, %": interval_text(following.gain, following.low, following.high),
        "shown?": "no" if word == UNSHOWN else word,
        "no difference shown to": _list(one.level) + unknown,
        "ranked": f"{len(one.rows)} of {one.known}",
        "profile": one.profile if one.trained else "none",
    }


def _list(names: Sequence[str], most: int = 2) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest if len(names) else "none"


def costs(wing: str, found: Iterable[Standing]) -> pd.DataFrame:
    """Error and cost of the best, and of the fastest that is level with it."""
    lines = [
        {"where": place(wing, one), "method": name, **_cost(one.rows.loc[name])}
        for one in found
        for name in dict.fromkeys([one.best, one.cheapest])
    ]
    return pd.DataFrame(lines).set_index(["where", "method"])


def three_digits(value: float) -> str:
    """2534.2 -> "2,530", 51.12 -> "51.1"."""
    return f"{float(f'{value:.3g}'):,g}"


def _cost(row: pd.Series) -> dict[str, str]:
    return {
        "error": f"{row['error']:.3f}",
        "seeds": f"{row['seeds']:.0f}",
        "fit, s": three_digits(row["seconds"]),
        "parameters": f"{row['parameters']:,.0f}",
        "memory, MB": f"{row['memory']:.0f}",
    }


def left_out(wing: str, found: Iterable[Standing]) -> pd.DataFrame:
    """Methods of which runs are not ranked, and why, a row for each place that has any."""
    lines = {
        place(wing, one): "; ".join(f"{name} {why}" for name, why in one.left_out.items())
        for one in found
        if one.left_out
    }
    return pd.Series(lines, dtype=str).rename("not ranked").rename_axis("where").to_frame()


def sentence(wing: str, found: list[Standing], metric: str) -> str:
    """How often which method has the lowest error, how often that is shown, from which records."""
    if not found:
        return f"{PROBLEMS[wing]}: no records yet."
    wins = Counter(one.best for one in found).most_common()
    lead = ", ".join(f"{name} ({count})" for name, count in wins)
    words = Counter(difference_word(one.rows.iloc[1]) for one in found)
    level = words[EQUAL] + words[UNSHOWN]
    parts = {
        "excludes zero at {}": words["yes"],
        "includes it, so no difference is shown, at {}": level,
        "is not known (one seed) at {}": words["no interval"],
    }
    said = ", ".join(text.format(count) for text, count in parts.items() if count)
    return (
        f"{PROBLEMS[wing]}: lowest test {metric.upper()}, over {len(found)} cities and amounts of "
        f"data: {lead}. The interval against the next best {said}. Networks: "
        f"{schedules(found)}.{_untried(wing, found)}"
    )


def _untried(wing: str, found: Iterable[Standing]) -> str:
    """At how many places none of our own methods stands, so that none of them can be named."""
    own = choosing.own_methods(wing)
    count = sum(not one.rows.index.isin(own).any() for one in found)
    return f" None of our own methods has run at {count} of them." if count else ""
