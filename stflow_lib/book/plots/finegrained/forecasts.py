"""Tables and panels of forecasts that know their doubt: one map, worth, equal means apart."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from stflow_lib.finegrained.beyond.beta_binomial import Marginals
from stflow_lib.finegrained.beyond.forecasts import NAMES, Cells, Comparison
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import Run
from stflow_lib.verdicts.statistics import interval

LEVELS = tuple(k / 20 for k in range(20))  # of central intervals; the first is the median
HALF, NINE = LEVELS.index(0.5), LEVELS.index(0.9)
OURS, NAIVE, PAPER = NAMES[0], NAMES[2], NAMES[3]  # UrbanSTC+DM, its multinomial, UrbanSTC's


def compared_runs(profile: str) -> dict[str, tuple[Run, Run]]:
    """City -> runs of UrbanSTC+DM and UrbanSTC with the first seed and all data."""
    plan = Plan.of(profile)
    first = lambda name, city: plan.runs([name], [city], plan.all_data, plan.seeds[:1])[0]
    return {city: (first("UrbanSTC+DM", city), first("UrbanSTC", city)) for city in plan.cities}


def fullest_map(found: Comparison, scored: Marginals) -> tuple[int, dict[str, np.ndarray]]:
    """Which of the compared maps is the fullest, and the panels of `sure_figure` for it.

    `scored`: the scores of UrbanSTC+DM at `LEVELS`; the panel "outside" is 1 where the truth
    left the 90 % interval.
    """
    pick, cells = int(found.coarse.sum((1, 2, 3)).argmax()), found.forecasts[OURS]
    low, high = scored.low[:, NINE], scored.high[:, NINE]
    panels = {"mean": cells.mean(), "width": high - low,
              "error": (cells.truth - cells.mean()).abs(),
              "outside": ((cells.truth < low) | (cells.truth > high)).double()}  # fmt: skip
    return pick, {name: found.on_map(cell, pick).numpy() for name, cell in panels.items()}


def concentration_map(found: Comparison, pick: int) -> np.ndarray:
    """A of every coarse cell of one map, NaN where nobody was counted."""
    total, coarse = found.concentration[pick, 0], found.coarse[pick, 0]
    return total.where(coarse > 0, torch.nan).numpy()


def concentration_in_words(found: Comparison) -> str:
    """Quantiles of A over the full blocks, and the single A for the city."""
    spread = found.concentration[found.coarse > 0].numpy()
    low, middle, high = np.quantile(spread, [0.05, 0.5, 0.95])
    return (f"{len(spread):,} full blocks; A: median {middle:.0f}, 90 % in {low:.1f} to "
            f"{high:.0f}; one A: {found.one:.1f}")  # fmt: skip


def worth_table(
    forecasts: Mapping[str, Cells], scored: Mapping[str, Marginals]
) -> pd.DataFrame:
    """CRPS of points and distributions, coverage (%) and mean width of the latter's intervals.

    The points are UrbanSTC, and the mean and the median of UrbanSTC+DM.
    """
    truth = forecasts[OURS].truth
    points = {"UrbanSTC, point": forecasts[PAPER].mean(),
              "UrbanSTC+DM, mean": forecasts[OURS].mean(),
              "UrbanSTC+DM, median": scored[OURS].low[:, 0]}  # fmt: skip
    lines = {name: {"CRPS": (truth - at).abs().mean().item()} for name, at in points.items()}
    for name in NAMES[::-1]:
        inside, width = scored[name].coverage(), scored[name].width()
        lines[name] = {"CRPS": scored[name].crps.mean().item()}
        for k in (HALF, NINE, len(LEVELS) - 1):
            lines[name][f"in {LEVELS[k]:.0%}"] = 100 * inside[k].item()
            lines[name][f"width {LEVELS[k]:.0%}"] = width[k].item()
    return pd.DataFrame(lines).T.rename_axis(index="forecast")


def crps_gain(found: Comparison, own: Marginals, other: Marginals) -> str:
    """By how much the CRPS of `own` is below that of `other`, map by map, in words."""
    mine, theirs = (found.by_map(scored.crps).numpy() for scored in (own, other))
    low, high = interval(100 * (theirs - mine) / theirs.mean())
    word = "lower" if low > 0 else "higher" if high < 0 else "not told apart"
    return f"{word} ({low:.1f} to {high:.1f} % lower)"


def halves(cells: Cells, trust: np.ndarray, bins: int = 10) -> dict[str, pd.DataFrame]:
    """Neighbours in the order of the mean, taken apart by `trust`: mean and RMSE of both in bins.

    Of two cells of nearly the same mean, the one with the larger trust value is less sure.
    """
    mean, error = cells.mean().numpy(), (cells.truth - cells.mean()).numpy()
    pairs = np.argsort(mean, kind="stable")[: len(mean) // 2 * 2].reshape(-1, 2)
    order = np.argsort(trust[pairs], 1, kind="stable")
    surer, less = np.take_along_axis(pairs, order, 1).T
    rows = {name: [(mean[part].mean(), (error[part] ** 2).mean() ** 0.5)
                   for part in np.array_split(half, bins)]
            for name, half in (("less sure", less), ("surer", surer))}  # fmt: skip
    return {
        name: pd.DataFrame(found, columns=["mean", "error"]) for name, found in rows.items()
    }


def dice_in_words(cells: Cells) -> str:
    """RMSE of the mean, and the part of its square that the forecast's own deviation makes."""
    squared, dice = (
        (v**2).mean().item() for v in (cells.truth - cells.mean(), cells.deviation())
    )
    return (f"RMSE {squared**0.5:.2f} on these cells; dice alone would make {dice**0.5:.2f}, "
            f"{dice / squared:.0%} of the squared error")  # fmt: skip
