"""90 % intervals of demand one to 24 hours ahead, on the test part, beside quantiles of trees.

`python -m stflow_lib.book.demand_intervals [pair ...]` measures them and writes what the page shows
to book/demand_intervals.csv. For each number of hours the method is fitted anew, to windows
that end so much earlier. Its errors on held-out hours, of the target where days of it are seen and
else of the sources, are put around its forecasts: in deviations of a count, by direction and size
of the forecast. Trees beside it are asked for the two quantiles. The ensemble, whose MLP is told
the hour behind the newest map, is asked for the next hour only.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib import ROOT
from stflow_lib.book import intervals_ahead
from stflow_lib.book.intervals_ahead import CALIBRATED, LEVELS, OURS, QUANTILES
from stflow_lib.book.plots.transfers import in_words
from stflow_lib.gridflow import METHODS, TABLES, open_task
from stflow_lib.gridflow.beyond.further import further
from stflow_lib.gridflow.beyond.quantile_trees import QuantileTrees, fitted
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.runs import Run, build_settings
from stflow_lib.training.conformal import bounds_in_units
from stflow_lib.training.interval_score import Outcome
from stflow_lib.training.method import Predictor

FILE = ROOT / "book" / "demand_intervals.csv"
ENSEMBLE = "Ensemble"
AHEAD = (1, 3, 6, 12, 24)  # hours
HOURS = {OURS: AHEAD, ENSEMBLE: AHEAD[:1]}
BUSY = 5  # trips an hour: least mean, over what may be seen, of a cell that is judged
WHOLE = 0.5  # trips: counts are whole, so no error is measured in less
Maps = Float[Tensor, "label direction row col"]


@dataclass(frozen=True)
class Guess:
    """Forecasts beside what came, in trips, and the unit in which their errors are alike."""

    truth: Maps
    mean: Maps
    unit: Maps
    mask: Bool[Tensor, "direction row col"]  # cells that calibrate


def main(names: list[str], path: Path = FILE) -> None:
    """Measure pairs, all of profile bench unless some are named, in place of older rows."""
    planned = [r for r in TABLES["table2"]("bench") if r.method in HOURS and r.seed == 0]
    for name in names or list(dict.fromkeys(run.city for run in planned)):
        intervals_ahead.renew(path, name, list(measured(r for r in planned if r.city == name)))


def table(path: Path = FILE) -> pd.DataFrame:
    """A row for each pair, amount of data, hours ahead and method; empty before the first."""
    return intervals_ahead.read(path)


def measured(planned: Iterable[Run]) -> Iterator[dict]:
    """Rows of runs and of the trees beside them; none without a busy cell."""
    for run in planned:
        task, place = open_task(run), {"city": run.city, "scarcity": run.scarcity}
        cells = busy(task)
        for ahead in HOURS[run.method] if cells.any() else ():
            asked = further(task, ahead * task.day // 24) if ahead > 1 else task
            for method, found in outcomes(asked, run):
                yield {**place, "ahead": ahead, "method": method, **judged(cells, found)}


def outcomes(task: Task, run: Run) -> Iterator[tuple[str, Outcome]]:
    """The run's method with its forecasts of the test part; beside Boosted line the trees'."""
    method = METHODS[run.method]
    predictor = method.fit(task, build_settings(method, run.settings), run.seed)
    yield run.method, conformal(task, predictor)
    if run.method == OURS:
        beside = quantiles(task, fitted(task, LEVELS))
        yield from zip((QUANTILES, CALIBRATED), beside, strict=True)


def busy(task: Task) -> Bool[Tensor, "direction row col"]:
    """Cells with at least `BUSY` trips an hour in the days seen, else in the history."""
    seen = task.target.train if len(task.target.train) else task.history
    return task.target.flow[seen].mean(0) * task.day / 24 >= BUSY


def judged(cells: Bool[Tensor, "direction row col"], found: Outcome) -> dict[str, float | int]:
    """Shares inside, below and above, mean width and interval score of some cells."""
    return Outcome(*(maps[:, cells] for maps in vars(found).values())).summary(LEVELS)


def parts_of(task: Task) -> list[tuple[Task, Int[Tensor, " label"]]]:
    """The test part; then what calibrates, the target's validation part or, where no day of it is
    seen, that of each source.
    """
    cities = (task.target,) if len(task.target.train) else task.sources
    return [(task, task.test), *((replace(task, target=c), c.valid) for c in cities)]


def conformal(task: Task, predictor: Predictor) -> Outcome:
    """Forecasts of the test part with held-out errors around them, in `deviation`s of a count
    that is as overdispersed as those held out.
    """
    test, *held = (_forecast(predictor, *part) for part in parts_of(task))
    extra = overdispersion(held)
    test, *held = (replace(g, unit=deviation(g.mean, extra)) for g in (test, *held))
    return around(test, held)


def _forecast(predictor: Predictor, task: Task, labels: Int[Tensor, " label"]) -> Guess:
    city = task.target
    mean = predictor(task, labels).clamp_min(0).to(city.flow) * city.mask
    return Guess(city.flow[labels], mean, torch.ones_like(mean), city.mask)


def overdispersion(held: Sequence[Guess]) -> Float[Tensor, " direction"]:
    """r of the variance m + r m^2 of a count with mean m, by moments of errors; at least 0."""
    over = sum(_total(((g.truth - g.mean).square() - g.mean) * g.mask) for g in held)
    return (over / sum(_total(g.mean.square() * g.mask) for g in held)).clamp_min(0)


def _total(maps: Maps) -> Float[Tensor, " direction"]:
    return maps.double().sum((0, 2, 3))


def deviation(mean: Maps, extra: Float[Tensor, " direction"]) -> Maps:
    """sqrt(m + r m^2 + 1 / 4): of a negative binomial count, in trips."""
    return (mean + extra.to(mean)[:, None, None] * mean.square() + 0.25).sqrt()


def quantiles(task: Task, trees: QuantileTrees) -> tuple[Outcome, Outcome]:
    """The trees' quantiles of the test part, as they are and as held-out hours calibrate them."""
    (plain, test), *held = (_asked(trees, *part) for part in parts_of(task))
    return plain, around(test, [guess for _, guess in held])


def _asked(trees: QuantileTrees, task: Task, labels: Tensor) -> tuple[Outcome, Guess]:
    """Two quantiles, and their middle: its errors are alike in half of their distance."""
    truth, (lower, upper) = task.target.flow[labels], trees(task, labels)
    middle, half = (lower + upper) / 2, ((upper - lower) / 2).clamp_min(WHOLE)
    return Outcome(truth, middle, lower, upper), Guess(truth, middle, half, task.target.mask)


def around(test: Guess, held: Sequence[Guess]) -> Outcome:
    """Errors of held-out hours around forecasts, in units, by direction and size; none below 0."""
    ways = []
    for d, _ in enumerate(test.mask):
        parts = ([vars(g)[part][:, d, g.mask[d]].flatten() for g in held]
                 for part in ("mean", "truth", "unit"))  # fmt: skip
        told = [torch.cat(part) for part in parts]
        ends = bounds_in_units(told, test.mean[:, d], test.unit[:, d], LEVELS)
        ways.append(torch.stack(ends))
    lower, upper = torch.stack(ways, 2)
    return Outcome(test.truth, test.mean, lower.clamp_min(0), upper.clamp_min(0))


def said(found: pd.DataFrame, scarcity: str, ours: str = OURS) -> str:
    """`intervals_ahead.said` of one amount of data."""
    cells = f"cells with at least {BUSY} trips an hour"
    own = found[(found["scarcity"] == scarcity) & found["ahead"].isin(HOURS[ours])]
    return intervals_ahead.said(own, "h", in_words(scarcity), cells, "pair", ours)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
