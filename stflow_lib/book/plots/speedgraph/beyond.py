"""Our own method against the best of all others, by target and amount of data; is the aim met?"""

from collections.abc import Iterable

import pandas as pd

from stflow_lib import runs
from stflow_lib.book import tables
from stflow_lib.book.display import OTHER, show_table
from stflow_lib.book.findings import over_the_best
from stflow_lib.book.plots.speedgraph.results import ERRORS
from stflow_lib.book.plots.transfers import in_words
from stflow_lib.runs import Rows
from stflow_lib.runs.pair import target_of

OURS, PART = "Boosted line", "Trees(told)"  # the part is ours too: no rival, but shown beside
AIM = 3.0  # percent that an error of ours should be below the best other method's
PLACE = ["target", "amount", "metric"]


def gains(rows: Rows, metrics: Iterable[str], where: str = "{}") -> pd.DataFrame:
    """How much lower our errors are than each rival's: columns of `tables.compare`, and PLACE.

    `where`: how a caption names a target.
    """
    others = {name: (OURS, name) for name in rows if name not in (OURS, PART)}
    judged = tables.compare(rows, others, metrics)
    targets = [where.format(target_of(city)) for city in judged["city"]]
    return judged.assign(target=targets, amount=[*map(in_words, judged["scarcity"])])


def against_best(judged: pd.DataFrame) -> pd.DataFrame:
    """Of `gains` the one over the best other row, for each place."""
    return over_the_best(judged, PLACE)


def falls_short(found: pd.DataFrame) -> list[str]:
    """Where a gain over the best other is below the aim, or its interval not above zero.

    "MAE at 10 min", or "MAE in the mean"; `found`: of `against_best`, one place.
    """
    short = found[~((found["gain"] >= AIM) & (found["low"] > 0))]
    return [f"{metric.split('_')[-1].upper()} {_when(metric)}" for metric in short["metric"]]


def _when(metric: str) -> str:
    part = metric.rpartition("_")[0]
    return f"at {_ahead(part)}" if part else "in the mean"


def sentences(judged: pd.DataFrame) -> list[str]:
    """How often the aim is met, and a sentence for each target and amount of data.

    `judged`: of `gains`, at all times ahead and in the mean.
    """
    places = {
        f"{target}, {amount}": (found, against_best(found))
        for (target, amount), found in judged.groupby(["target", "amount"], sort=False)
    }
    if not places:
        return [f"{OURS} against the best other method: nothing to compare is recorded yet."]
    whole = _whole([best for _, best in places.values()])
    return [whole, *(_sentence(place, *both) for place, both in places.items())]


def _whole(cases: list[pd.DataFrame]) -> str:
    """In how many cases the aim is met at every time ahead and in the mean over them."""
    means = [best[best["metric"].isin(ERRORS)] for best in cases]
    met, below = (sum(not falls_short(best) for best in some) for some in (cases, means))
    behind = sum((best["high"] < 0).any() for best in means)
    return (
        f"Of {len(cases)} recorded cases of target and amount of data {OURS} meets the aim in "
        f"{met}: MAE and RMSE at least {AIM:g} % below the best rival's at every time ahead, with "
        f"intervals above zero. Of the mean over the times that holds in {below}; in {behind} its "
        "mean MAE or RMSE is clearly above that rival's."
    )


def _sentence(place: str, judged: pd.DataFrame, best: pd.DataFrame) -> str:
    """ "la, 3 days: mean MAE 2.9 % [1.8, 4.0] above that of Trees; ...; not met at 10 min"."""
    parts = [
        f"mean {row.metric.upper()} {below_text(row.gain, row.low, row.high)} that of {row.row}"
        for row in best[best["metric"].isin(ERRORS)].itertuples()
    ]
    short = falls_short(best)
    where = "anywhere" if len(short) == len(best) else f"in {', '.join(short)}"
    word = f"not met {where}" if short else "met"
    return f"{place}: {'; '.join(parts)}; the aim is {word}; {_unsure(judged)}"


def _unsure(judged: pd.DataFrame) -> str:
    """Beside which rivals a mean error is not shown to be lower, and beside which none can be."""
    means = judged[judged["metric"].isin(ERRORS)]
    groups = {
        "no difference is shown, or it is higher, beside": means[means["low"] <= 0],
        "no interval beside": means[means["low"].isna()],
    }
    words = [f"{what} {', '.join(dict.fromkeys(some['row']))}"
             for what, some in groups.items() if len(some)]  # fmt: skip
    return "; ".join(words) or "both means are lower beyond doubt than every rival's"


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
