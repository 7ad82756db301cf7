"""What the positive control of balancing says: gains, errors, a figure and sentences."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stflow_lib.book.control_runs import (
    DAYS,
    EXTREMES,
    FEW,
    LAST,
    LINE,
    MANY,
    MODELS,
    PLACE,
    SMALL,
    WIDE,
)
from stflow_lib.book.plots.style import bare
from stflow_lib.book.plots.transfers import in_words
from stflow_lib.verdicts.statistics import interval


def by_split(rows: list[dict], metric: str = "rmse") -> pd.DataFrame:
    """Runs with weights beside the same model, days and seed without any: `gain` in percent, and
    whether both `settled`."""
    frame = pd.DataFrame(rows, columns=[*PLACE, metric, "converged"])
    plain = frame[frame["weights"] == "none"].drop(columns="weights")
    both = frame[frame["weights"] != "none"].merge(
        plain, on=["model", "days", "seed"], suffixes=("", " plain")
    )
    gain = 100 * (1 - both[metric] / both[f"{metric} plain"])
    return both.assign(gain=gain, settled=both["converged"] & both["converged plain"])


def gains(rows: list[dict], metric: str = "rmse") -> pd.DataFrame:
    """By how many percent weights lower the error of the same model and seed without any.

    A row for each model, number of days and weights: mean, low and high (95 %), seeds, capped.
    """
    lines = [
        (*place, own["gain"].mean(), *interval(own["gain"].to_numpy()), len(own),
         int((~own["settled"]).sum()))
        for place, own in by_split(rows, metric).groupby(["model", "days", "weights"], sort=False)
    ]  # fmt: skip
    columns = ["model", "days", "weights", "gain", "low", "high", "seeds", "capped"]
    return pd.DataFrame(lines, columns=columns)


def figure(found: pd.DataFrame) -> Figure:
    """A panel per number of days, a row for each model and weights; hollow: of one split."""
    fig, axes = plt.subplots(1, len(DAYS), figsize=(9, 5.2), sharey=True, layout="constrained")
    labels = list(dict.fromkeys(f"{r.model}: {r.weights}" for r in found.itertuples()))
    for axis, days in zip(axes, DAYS, strict=True):
        own = found[found["days"] == days]
        for some, fill in ((own[own["low"].notna()], "C0"), (own[own["low"].isna()], "none")):
            places = [labels.index(f"{r.model}: {r.weights}") for r in some.itertuples()]
            spread = np.array([some["gain"] - some["low"], some["high"] - some["gain"]])
            axis.errorbar(some["gain"], places, xerr=spread, fmt="o", color="C0",
                          markerfacecolor=fill, capsize=3)  # fmt: skip
        axis.axvline(0, color="0.5", linewidth=1)
        axis.set(
            title=f"{in_words(str(days))} of the target",
            xlabel="lower RMSE than without weights (%)",
        )
        bare(axis)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].invert_yaxis()
    fig.suptitle("What weights of rare kinds are worth where they must help")
    return fig


def reading(found: pd.DataFrame) -> list[str]:
    """What the control says, a sentence for each model, without a day of the target."""
    says = []
    for model in found["model"].unique():
        own = found[(found["model"] == model) & (found["days"] == 0)]
        parts = ", ".join(f"{row.weights} {_gain(row)}" for row in own.itertuples())
        says.append(f"RMSE below that without weights, no day of the target, {model}: {parts}.")
    return says


def _gain(row) -> str:
    if row.seeds < 2:
        return f"{row.gain:+.1f} % (one split, no interval)"
    return f"{row.gain:+.1f} % ({row.low:.1f} to {row.high:.1f}; {row.seeds} splits)"


def beside_the_bar(rows: list[dict], bar: str = LAST) -> pd.DataFrame:
    """Errors without a day of the target, beside that of the hour before on the same splits.

    A row for each model and weights: mean RMSE, that of the bar (trips per step), how many
    splits, and in how many of them the RMSE is above the bar's.
    """
    frame = pd.DataFrame(rows, columns=[*PLACE, "rmse"])
    none = frame[(frame["days"] == 0) & frame["model"].isin(MODELS)]
    last = none[none["model"] == bar].set_index("seed")["rmse"]
    lines = []
    for place, own in none[none["model"] != bar].groupby(["model", "weights"], sort=False):
        own = own.set_index("seed")["rmse"]
        there = last.reindex(own.index).dropna()
        above = int((own[there.index] > there).sum())
        lines.append((*place, own[there.index].mean(), there.mean(), len(there), above))
    return pd.DataFrame(lines, columns=["model", "weights", "rmse", bar, "splits", "above it"])


def said_of_the_bar(table: pd.DataFrame) -> str:
    """Which models cannot be used as they are: weights may win there and teach nothing."""
    words = [
        f"{model} {_span(some['above it'])} of {some['splits'].max()}"
        for model, some in table.groupby("model", sort=False)
    ]
    return (
        f"Splits with an error above that of the hour before, by weights: {'; '.join(words)}."
    )


def usable(table: pd.DataFrame, bar: str = LAST) -> list[str]:
    """Models of `beside_the_bar` whose mean error without weights is below the bar's."""
    plain = table[table["weights"] == "none"]
    return plain[plain["rmse"] < plain[bar]]["model"].tolist()


def verdict(found: pd.DataFrame, table: pd.DataFrame) -> str:
    """For which models the oracle's gain without a day is shown, and for which it says nothing."""
    own = found[(found["days"] == 0) & (found["weights"] == "oracle")]
    fine = own["model"].isin(usable(table))
    groups = {
        "is above zero beyond doubt for": own[fine & (own["low"] > 0)],
        "is not shown to differ from zero for": own[fine & ~(own["low"] > 0)],
        "means little, for the error without weights is above that of the hour before, for":
            own[~fine],
    }  # fmt: skip
    said = [
        f"{words} {' and '.join(some['model'])}" for words, some in groups.items() if len(some)
    ]
    return f"Without a day of the target the gain by oracle weights {'; it '.join(said)}."


def _span(values: pd.Series) -> str:
    ends = dict.fromkeys((values.min(), values.max()))
    return " to ".join(map(str, ends))


def mechanism(found: pd.DataFrame, table: pd.DataFrame) -> str:
    """Whether STBaT's own weights bring what the oracle's do, where those help beyond doubt."""
    own = found[(found["days"] == 0) & found["model"].isin(usable(table))]
    learned, best = (own[own["weights"] == w].set_index("model") for w in ("RIAM", "oracle"))
    words = [
        f"{model} RIAM {_gain(learned.loc[model])}, {_shown(learned.loc[model])}, oracle "
        f"{_gain(best.loc[model])}"
        for model in best[best["low"] > 0].index.intersection(learned.index)
    ]
    if not words:
        return (
            "No model with RIAM's weights is helped by the oracle's, so RIAM cannot be judged."
        )
    return f"RMSE below that without weights, where the oracle's help: {'; '.join(words)}."


def _shown(row) -> str:
    """Whether a gain is: above zero, below it, or neither beyond doubt."""
    if row.low > 0:
        return "a gain beyond doubt"
    return "a loss beyond doubt" if row.high < 0 else "no gain is shown"


def widths(rows: list[dict], table: pd.DataFrame) -> list[str]:
    """What the oracle brings to a narrow and to a wide model on the splits that both have, and
    whether the wide one needs no weights. `table`: of `beside_the_bar`.
    """
    own = [row for row in rows if row["weights"] in EXTREMES and row["days"] == 0]
    found, says = by_split(own).pivot(index="seed", columns="model", values="gain"), []
    for pair in ((LINE, MANY), (FEW, MANY), (SMALL, WIDE)):
        narrow, wide = (found.get(model, pd.Series(dtype=float)) for model in pair)
        less = (narrow - wide).dropna()
        both = [r for r in own if r["seed"] in less.index and r["model"] in pair]
        words = "; ".join(f"{row.model} {_gain(row)}" for row in gains(both).itertuples())
        if len(less):
            fades = f"{_less(less)}. {_instead(both, *pair, usable(table))}"
            says.append(f"The oracle on the same splits: {words}. The second gain is {fades}")
    return says


def _less(points: pd.Series) -> str:
    """By how much gains split by split are smaller, in points of percent."""
    low, high = interval(points.to_numpy())
    if not np.isfinite(low):
        return f"smaller by {points.mean():.1f} points (one split, no interval)"
    word = "beyond doubt" if low > 0 else "larger beyond doubt" if high < 0 else "not shown"
    return f"smaller by {points.mean():.1f} points ({low:.1f} to {high:.1f}), {word}"


def _instead(rows: list[dict], narrow: str, wide: str, fine: list[str]) -> str:
    """Whether the wide model without weights is as good as the narrow one with the oracle's."""
    if bad := [model for model in (narrow, wide) if model not in fine]:
        words = f"{' and '.join(bad)} {'are' if len(bad) > 1 else 'is'} above the hour before"
        return f"Without weights {words}, so this says little."
    frame = pd.DataFrame(rows)
    mean = frame.groupby(["model", "weights"])["rmse"].mean()
    plain, helped = mean[wide, "none"], mean[narrow, "oracle"]
    word = "has found by itself" if plain <= helped else "has not found by itself"
    return (
        f"{wide} without weights errs {plain:.1f} trips, {narrow} with the oracle's {helped:.1f}: "
        f"the wide model {word} what weights give the other."
    )


def said_of_pairs(real: pd.DataFrame) -> str:
    """What the target's shares of kinds are worth to the line on real pairs."""
    some = real[real["weights"] == "shares"]
    words = [
        f"with {in_words(str(days))} {own['gain'].min():+.1f} to {own['gain'].max():+.1f} %, "
        f"a gain of 0.1 % or more in {(own['gain'].round(1) > 0).sum()} of {len(own)} pairs"
        for days, own in some.groupby("days")
    ]
    return f"The line with weights by the target's shares of kinds: {'; '.join(words)}."
