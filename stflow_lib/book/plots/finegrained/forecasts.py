"""Forecasts that know their doubt, scored on some test maps: what the page of them draws.

    python -m stflow_lib.book.plots.finegrained.forecasts PROFILE

publishes it of the networks in the store; see `summaries`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from stflow_lib import runs
from stflow_lib.book.plots.finegrained import live
from stflow_lib.book.plots.finegrained.beyond import binned
from stflow_lib.book.plots.finegrained.summaries import Summaries
from stflow_lib.finegrained import open_task
from stflow_lib.finegrained.beyond.beta_binomial import Marginals
from stflow_lib.finegrained.beyond.forecasts import NAMES, Cells, Comparison, compare_forecasts
from stflow_lib.finegrained.plan import Plan
from stflow_lib.runs import Run
from stflow_lib.verdicts.statistics import interval

LEVELS = tuple(k / 20 for k in range(20))  # of central intervals; the first is the median
HALF, NINE = LEVELS.index(0.5), LEVELS.index(0.9)
GRID = torch.linspace(0, 1, 21)  # at which PIT values are counted
QUANTILES = (0.05, 0.5, 0.95)
BUSY = 5  # vehicles: the mean from which a cell counts as busy
MAPS, FEW = 64, 16  # test maps that are scored, the latter where networks are trained live
DISTRIBUTIONS = NAMES[:3]  # of them spread and calibration are drawn
OURS, NAIVE, PAPER = NAMES[0], NAMES[2], NAMES[3]  # UrbanSTC+DM, its multinomial, UrbanSTC's


@dataclass(frozen=True)
class Doubt:
    """The forecasts `NAMES` of cells in blocks that counted anybody; flows in vehicles per step."""

    city: str
    unit: str
    maps: int  # scored, evenly spaced over
    tested: int  # so many of the test part
    blocks: int  # that counted anybody
    concentration: pd.Series  # A of UrbanSTC+DM over these blocks, by `QUANTILES`
    one: float  # the likeliest single A
    means: dict[str, np.ndarray]  # of UrbanSTC+DM, see `mean_maps`; of the first city only
    busy: int  # cells whose mean is `BUSY` or more
    pits: dict[str, np.ndarray]  # forecast -> share of PIT values of busy cells up to `GRID`
    covered: dict[str, pd.Series]  # forecast -> share of busy cells inside, by level
    worth: pd.DataFrame  # `worth_table` of all cells
    worth_busy: pd.DataFrame  # and of the busy ones; empty where none is
    lower: pd.DataFrame  # other forecast -> by how many % ours has the lower CRPS: low, high
    spreads: dict[str, pd.DataFrame]  # forecast -> spread and error, in groups by the former
    halves: dict[str, pd.DataFrame]  # see `halves`
    squared: float  # mean squared error of the mean of UrbanSTC+DM
    dice: float  # the part of it that its multinomial promises


def compared_runs(profile: str) -> dict[str, list[Run]]:
    """City -> runs of UrbanSTC+DM and UrbanSTC with the first seed and all data."""
    plan = Plan.of(profile)
    return {
        city: [plan.runs([name], [city], plan.all_data, plan.seeds[:1])[0]
               for name in ("UrbanSTC+DM", "UrbanSTC")]
        for city in plan.cities
    }  # fmt: skip


def summarise(pair: Sequence[Run]) -> Doubt:
    """What the networks of UrbanSTC+DM and UrbanSTC forecast of one city."""
    profile, task = pair[0].profile, open_task(pair[0])
    number = FEW if profile == live.LIVE else MAPS
    found = compare_forecasts(task, *map(runs.predictor, pair), number)
    mapped = task.city == next(iter(compared_runs(profile)))
    return doubt(task.city, task.unit, len(task.test), found, mapped)


def doubt(city: str, unit: str, tested: int, found: Comparison, mapped: bool) -> Doubt:
    """The summary of forecasts that were compared on some of `tested` test maps."""
    scored = {name: cells.scores(LEVELS) for name, cells in found.forecasts.items()}
    ours, full = found.forecasts[OURS], found.concentration[found.coarse > 0]
    busy = ours.mean() >= BUSY
    chosen = {name: cells.only(busy) for name, cells in found.forecasts.items()}
    crowded = (
        {name: cells.scores(LEVELS) for name, cells in chosen.items()} if busy.any() else {}
    )
    drawn = {name: crowded[name] for name in DISTRIBUTIONS if crowded}
    squared, dice = mean_squares(found.forecasts[NAIVE])
    return Doubt(
        city, unit, len(found.full), tested, len(full),
        pd.Series(np.quantile(full.numpy(), QUANTILES), QUANTILES), found.one,
        mean_maps(found, scored[OURS]) if mapped else {}, int(busy.sum()),
        {name: of.calibration(GRID).numpy() for name, of in drawn.items()},
        {name: pd.Series(of.coverage()[1:].numpy(), LEVELS[1:]) for name, of in drawn.items()},
        worth_table(found.forecasts, scored),
        worth_table(chosen, crowded) if crowded else pd.DataFrame(),
        lower_crps(found, scored), spreads(found.forecasts),
        halves(ours, trust(found.forecasts)), squared, dice,
    )  # fmt: skip


def mean_maps(found: Comparison, scored: Marginals) -> dict[str, np.ndarray]:
    """Means over the maps of UrbanSTC+DM's forecast, whose scores at `LEVELS` are given.

    "mean", "width" (of the 90 % interval), "error" (|true - mean|), "outside" (how often the truth
    left that interval), each [rows, cols], zero where a block was empty; and "concentration", the
    median of A of each block over the maps in which it was not, NaN where it always was.
    """
    cells, low, high = found.forecasts[OURS], scored.low[:, NINE], scored.high[:, NINE]
    panels = {"mean": cells.mean(), "width": high - low,
              "error": (cells.truth - cells.mean()).abs(),
              "outside": ((cells.truth < low) | (cells.truth > high)).double()}  # fmt: skip
    means = {
        name: torch.stack([found.on_map(cell, k) for k in range(len(found.full))]).mean(0)
        for name, cell in panels.items()
    }
    known = found.concentration.where(found.coarse > 0, torch.nan)
    means["concentration"] = known[:, 0].nanmedian(0).values
    return {name: mean.numpy() for name, mean in means.items()}


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
    return pd.DataFrame(lines).T


def lower_crps(found: Comparison, scored: Mapping[str, Marginals]) -> pd.DataFrame:
    """95 % intervals, over maps, of how many % the CRPS of UrbanSTC+DM is below each other's."""
    by_map = {name: found.by_map(of.crps).numpy() for name, of in scored.items()}
    lines = {name: interval(100 * (theirs - by_map[OURS]) / theirs.mean())
             for name, theirs in by_map.items() if name != OURS}  # fmt: skip
    return pd.DataFrame(lines, ["low", "high"]).T


def lower_in_words(low: float, high: float) -> str:
    """What such an interval says."""
    word = "lower" if low > 0 else "higher" if high < 0 else "not told apart"
    return f"{word} ({low:.1f} to {high:.1f} % lower)"


def spreads(forecasts: Mapping[str, Cells]) -> dict[str, pd.DataFrame]:
    """Forecast -> promised spread and actual error of the mean, in 20 groups by the former."""
    cells = forecasts[OURS]
    error = (cells.truth - cells.mean()).numpy()
    promised = {name: forecasts[name].deviation().numpy() for name in DISTRIBUTIONS}
    return {
        name: binned(spread, {"spread": spread, "error": error}, 20)
        for name, spread in promised.items()
    }


def trust(forecasts: Mapping[str, Cells]) -> np.ndarray:
    """How many times the deviation of dice UrbanSTC+DM promises for each cell."""
    return (forecasts[OURS].deviation() / forecasts[NAIVE].deviation()).numpy()


def halves(cells: Cells, trust: np.ndarray, bins: int = 10) -> dict[str, pd.DataFrame]:
    """Neighbours in the order of the mean, taken apart by `trust`: mean and RMSE of both in bins.

    Of two cells of nearly the same mean, the one with the larger trust value is less sure.
    """
    mean, error = cells.mean().numpy(), (cells.truth - cells.mean()).numpy()
    pairs = np.argsort(mean, kind="stable")[: len(mean) // 2 * 2].reshape(-1, 2)
    order = np.argsort(trust[pairs], 1, kind="stable")
    surer, less = np.take_along_axis(pairs, order, 1).T
    rows = {name: [(mean[part].mean(), (error[part] ** 2).mean() ** 0.5)
                   for part in np.array_split(half, min(bins, len(half)))]
            for name, half in (("less sure", less), ("surer", surer))}  # fmt: skip
    return {
        name: pd.DataFrame(found, columns=["mean", "error"]) for name, found in rows.items()
    }


def mean_squares(cells: Cells) -> tuple[float, float]:
    """Mean squares of the error of the mean, and of the forecast's own deviation."""
    error, deviation = cells.truth - cells.mean(), cells.deviation()
    return error.square().mean().item(), deviation.square().mean().item()


def in_words(found: Doubt) -> str:
    """How many maps, and the concentrations: quantiles of A, and the single A for the city."""
    low, middle, high = found.concentration
    return (f"{found.maps} of {found.tested} test maps, {found.blocks:,} full blocks; A: median "
            f"{middle:.0f}, 90 % in {low:.1f} to {high:.0f}; one A: {found.one:.1f}")  # fmt: skip


def dice_in_words(found: Doubt) -> str:
    """RMSE of the mean, and the part of its square that dice alone would make."""
    error, dice = found.squared**0.5, found.dice**0.5
    return (f"RMSE {error:.2f} on these cells; dice alone would make {dice:.2f}, "
            f"{found.dice / found.squared:.0%} of the squared error")  # fmt: skip


SUMMARIES = Summaries("doubt", Doubt, compared_runs, summarise)

if __name__ == "__main__":
    print(*SUMMARIES.publish(*sys.argv[1:]), sep="\n")
