"""The finding that a page opens with, in two sentences that follow from its numbers."""

from collections.abc import Sequence

import pandas as pd

from stflow_lib.book.display import show_text


def show_comparisons(gains: pd.DataFrame, what: str) -> None:
    """`compared` as the finding of a page."""
    show_text(compared(gains, what))


def compared(gains: pd.DataFrame, what: str) -> str:
    """How many gains (columns gain, low, high, in percent) are clear, and how large they are.

    A gain is clear when its whole 95 % interval lies on one side of zero; one seed has no
    interval and is counted apart.
    """
    if gains.empty:
        return f"{what}: no pair of runs to compare is recorded yet."
    lower, higher = int((gains["low"] > 0).sum()), int((gains["high"] < 0).sum())
    single = int(gains["low"].isna().sum())
    between = len(gains) - lower - higher - single
    said = [
        f"clearly lower in {lower} of {len(gains)} comparisons",
        f"clearly higher in {higher}",
    ]
    said += [f"too close to call in {between}"] * bool(between)
    said += [f"without an interval in {single}"] * bool(single)
    least, middle, most = gains["gain"].quantile([0, 0.5, 1])
    sizes = f"The median difference is {middle:+.1f} %, from {least:+.1f} to {most:+.1f} %."
    return f"{what}: {', '.join(said)}. {sizes}"


def extremes(values: pd.Series, what: str, unit: str = "") -> str:
    """Which of some named numbers is lowest and which highest, in one sentence."""
    found = values.dropna().astype(float)
    if found.empty:
        return f"{what}: nothing is recorded yet."
    low, high = (
        f"{found[name]:.3g} {unit}".strip() for name in (found.idxmin(), found.idxmax())
    )
    return (
        f"{what}: lowest for {found.idxmin()} ({low}), highest for {found.idxmax()} ({high})."
    )


def share(marks: pd.Series, what: str) -> str:
    """Of how many things something holds: "Aims reached: 3 of 5."."""
    return f"{what}: {int(marks.sum())} of {len(marks)}."


def over_the_best(gains: pd.DataFrame, place: Sequence[str]) -> pd.DataFrame:
    """The gain over the best other row at each place, of gains of one method over all others.

    That method's error is the same in all of them, so the smallest gain is the best other's.
    """
    gains = gains.reset_index(drop=True)
    best = gains.groupby([*place], sort=False)["gain"].idxmin()
    return gains.loc[best].reset_index(drop=True)
