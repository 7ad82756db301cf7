"""What pages show of 90 % intervals by time ahead: of Boosted line, beside quantiles of trees."""

from pathlib import Path

import pandas as pd

from stflow_lib.book import by_city
from stflow_lib.book.display import show_table
from stflow_lib.book.plots.transfers import arrow, in_words

OURS = "Boosted line"
QUANTILES, CALIBRATED = "quantiles of trees", "quantiles of trees, calibrated"
LEVELS = (0.05, 0.95)
PLACE = ["city", "scarcity"]
COLUMNS = [*PLACE, "ahead", "method", "inside", "below", "above", "width", "score", "mae", "n"]
HOLDS = (88, 92)  # % that a 90 % interval should hold


def read(path: Path) -> pd.DataFrame:
    """A row for each city, amount of data, time ahead and method; empty before the first."""
    return by_city.read(path, COLUMNS)


def renew(path: Path, city: str, rows: list[dict]) -> None:
    """Write a city's rows in place of its older ones."""
    by_city.renew(path, city, pd.DataFrame(rows, columns=COLUMNS), [*PLACE, "ahead"])


def show(found: pd.DataFrame, unit: str, *forms: str) -> None:
    """What the intervals of each of our forms hold, their score over that of each rival, and what
    the rivals hold.
    """
    forms = tuple(f for f in forms or (OURS,) if f in found["method"].unique())
    for ours in forms:
        own = in_full(inside(found, unit, ours))
        show_table(own, f"90 % intervals of {ours}: inside, %", digits=1)
        for rival in (QUANTILES, CALIBRATED):
            title = f"Interval score of {ours} over that of {rival}"
            show_table(in_full(ratio(found, unit, rival, ours)), title, digits=2)
    for rival in (QUANTILES, CALIBRATED) if forms else ():
        title = f"90 % intervals of {rival}: inside, %"
        own = in_full(inside(found, unit, rival))
        show_table(own, title, digits=1, folded="what the rival holds")


def in_full(wide: pd.DataFrame) -> pd.DataFrame:
    """Places as people read them, the least amount of a city's data first."""
    cities = list(dict.fromkeys(city for city, _ in wide.index))
    order = sorted(wide.index, key=lambda place: (cities.index(place[0]), float(place[1])))
    names = [(arrow(city), in_words(amount)) for city, amount in order]
    index = pd.MultiIndex.from_tuples(names, names=["city", "data"])
    return wide.loc[order].set_axis(index)


def show_at(found: pd.DataFrame, ahead: int, unit: str, caption: str) -> None:
    """What each method's intervals hold at one time ahead, and their scores: places down.

    Places without one of the methods are left out.
    """
    own = found[found["ahead"] == ahead].assign(inside=lambda f: 100 * f["inside"])
    wide = own.pivot_table(
        index=PLACE, columns="method", values=["inside", "score"], sort=False
    )
    wide = wide.dropna().rename_axis(columns=[None, None])
    wide = wide.rename(columns={"inside": "inside, %", "score": f"interval score, {unit}"})
    if len(wide):
        show_table(in_full(wide), caption, digits=1)


def sides(found: pd.DataFrame, city: str, ahead: int, unit: str) -> list[str]:
    """What share of a city's truth fell above each method's 90 % interval, and what share below:
    a sentence for each amount of data.
    """
    there = found[(found["city"] == city) & (found["ahead"] == ahead)]
    said = []
    for amount, own in there.sort_values("scarcity").groupby("scarcity"):
        shares = [
            f"{row.method} {100 * row.above:.1f} and {100 * row.below:.1f} %"
            for row in own.itertuples()
        ]
        place = f"{arrow(city)}, {ahead} {unit} ahead, {in_words(str(amount))}"
        said.append(f"{place}: above and below the intervals of {'; '.join(shares)}.")
    return said


def inside(found: pd.DataFrame, unit: str, method: str = OURS) -> pd.DataFrame:
    """What a method's intervals hold, in percent: a row for each place, a column for each time."""
    own = found[found["method"] == method]
    return _by_time(own.assign(shown=100 * own["inside"]), unit)


def ratio(
    found: pd.DataFrame, unit: str, rival: str = QUANTILES, ours: str = OURS
) -> pd.DataFrame:
    """Interval score over that of a rival, as `inside`."""
    scores = found.assign(shown=found["score"])
    own, theirs = (_by_time(scores[scores["method"] == m], unit) for m in (ours, rival))
    return own / theirs


def _by_time(found: pd.DataFrame, unit: str) -> pd.DataFrame:
    wide = found.pivot_table(index=PLACE, columns="ahead", values="shown", sort=False)
    return wide.rename(columns=lambda ahead: f"{ahead} {unit}").rename_axis(columns=None)


def said(
    found: pd.DataFrame, unit: str, days: str, cells: str, place: str, ours: str = OURS
) -> str:
    """In how many places the intervals hold by time ahead, and are better than the rivals'."""
    if ours not in found["method"].unique():
        return "Nothing was measured yet."
    held = inside(found, unit, ours)
    places = f"{len(held)} {place}{'s' * (len(held) > 1)}"
    counts = [f"{held[ahead].between(*HOLDS).sum()} at {ahead}" for ahead in held]
    return (
        f"With {days}, 90 % intervals of {ours} hold {held.min().min():.1f} to "
        f"{held.max().max():.1f} % of {cells}; of {places} {HOLDS[0]} to {HOLDS[1]} % "
        f"in {', '.join(counts)}. {_beside(found, QUANTILES, ours)} "
        f"{_beside(found, CALIBRATED, ours)}"
    )


def _beside(found: pd.DataFrame, rival: str, ours: str) -> str:
    share = ratio(found, "", rival, ours).stack()
    return (
        f"Their score is below that of {rival} in {(share < 1).sum()} of {len(share)} settings "
        f"(ratio {share.min():.2f} to {share.max():.2f})."
    )
