"""Our own method against the best of all others, by target and amount of data; is the aim met?"""

from collections.abc import Iterable, Iterator

import pandas as pd

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.findings import over_the_best
from stflow_lib.book.plots.speedgraph.results import ERRORS
from stflow_lib.book.plots.transfers import in_words
from stflow_lib.runs import Rows
from stflow_lib.runs.pair import target_of

OURS = "Boosted line"
AIM = 3.0  # percent that an error of ours should be below the best other method's
PLACE = ["target", "amount", "metric"]


def gains(rows: Rows, metrics: Iterable[str], where: str = "{}") -> pd.DataFrame:
    """How much lower our errors are than each other row's: columns of `tables.compare`, and PLACE.

    `where`: how a caption names a target.
    """
    others = {name: (OURS, name) for name in rows if name != OURS}
    judged = tables.compare(rows, others, metrics)
    targets = [where.format(target_of(city)) for city in judged["city"]]
    return judged.assign(target=targets, amount=[*map(in_words, judged["scarcity"])])


def against_best(judged: pd.DataFrame) -> pd.DataFrame:
    """Of `gains` the one over the best other row, for each place."""
    return over_the_best(judged, PLACE)


def is_met(found: pd.DataFrame) -> bool:
    """Whether all gains reach the aim, each with its whole interval above zero."""
    return bool(((found["gain"] >= AIM) & (found["low"] > 0)).all())


def _places(best: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """(words for target and amount of data, the gains in either error)."""
    own = best[best["metric"].isin(ERRORS)]
    for (target, amount), found in own.groupby(["target", "amount"], sort=False):
        yield f"{target}, {amount}", found


def sentences(best: pd.DataFrame) -> list[str]:
    """How often the aim is met, and a sentence for each target and amount of data.

    `best`: of `against_best`.
    """
    places = dict(_places(best))
    if not places:
        return [f"{OURS} against the best other method: nothing to compare is recorded yet."]
    met = [place for place, found in places.items() if is_met(found)]
    behind = [place for place, found in places.items() if (found["high"] < 0).any()]
    whole = (
        f"{OURS} has MAE and RMSE at least {AIM:g} % below the best other method's, with "
        f"intervals above zero, in {len(met)} of {len(places)} recorded cases of target and "
        f"amount of data; in {len(behind)} its MAE or RMSE is clearly above that method's."
    )
    return [whole, *(_sentence(place, found) for place, found in places.items())]


def _sentence(place: str, found: pd.DataFrame) -> str:
    """ "la, 3 days: MAE 2.9 % [1.8, 4.0] above that of Trees; ...; not met."."""
    parts = [
        f"{row.metric.upper()} {below_text(row.gain, row.low, row.high)} that of {row.row}"
        for row in found.itertuples()
    ]
    word = "met" if is_met(found) else "not met"
    return f"{place}: {'; '.join(parts)}; the aim of {AIM:g} % is {word}."


def below_text(gain: float, low: float, high: float) -> str:
    """ "2.9 % [1.8, 4.0] below", or above: percents without a sign for the word to contradict."""
    word, sign = ("above", -1) if gain < 0 else ("below", 1)
    low, high = sorted((sign * low, sign * high))
    return (
        f"{abs(gain):.1f} %" + (f" [{low:.1f}, {high:.1f}]" if low == low else "") + f" {word}"
    )


def networks(several: Iterable[Rows]) -> str:
    """Where a network is among the others; elsewhere the best of them is a rule, or trees."""
    found = {
        f"{target_of(record['city'])}, {in_words(record['scarcity'])}": None
        for rows in several
        for name, group in rows.items()
        for record in runs.records(group)
        if name != OURS and record["epochs"] and not record["notes"].get("collapsed")
    }
    places = "; ".join(found) or "nowhere"
    return f"Networks are among the other methods here: {places}. Elsewhere none is recorded."


def show_best(best: pd.DataFrame, title: str) -> None:
    """`best_table` of either error."""
    for error in ERRORS:
        own = best_table(best, error)
        folded = OTHER if error != ERRORS[0] else ""
        show_table(own, f"{title}, {error.upper()}", folded=folded)


def best_table(best: pd.DataFrame, error: str) -> pd.DataFrame:
    """Gains over the best other row in words: (target, amount of data) down, time ahead across.

    error: "mae" or "rmse".
    """
    own = best[best["metric"].str.split("_").str[-1] == error]
    text = [f"{tables.gain_text(row)} ({row.row})" for row in own.itertuples()]
    ahead = own["metric"].str.removesuffix(error).map(_ahead)
    wide = own.assign(text=text, ahead=ahead).pivot(
        index=["target", "amount"], columns="ahead", values="text"
    )
    order = dict.fromkeys(zip(own["target"], own["amount"], strict=True))
    wide = wide.reindex([*order])[[*dict.fromkeys(ahead)]].fillna("-")
    return wide.rename_axis(columns=None)


def _ahead(part: str) -> str:
    """ "min30_" -> "30 min"; "" is the mean over all."""
    return f"{part.strip('min_')} min" if part else "mean"
