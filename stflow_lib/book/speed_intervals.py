"""90 % intervals of speeds 10 to 60 minutes ahead, on test windows, beside quantiles of trees.

`python -m stflow_lib.book.speed_intervals [pair ...]` measures them and writes what the page shows
to book/speed_intervals.csv. The method is fitted twice, as `speedgraph.forecast` does: to windows
that teach, whose errors on those that choose make the intervals, and to all visible windows, for
the forecasts that they are put around. Trees beside it are asked for the two quantiles.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib import ROOT
from stflow_lib.book import intervals_ahead
from stflow_lib.book.intervals_ahead import CALIBRATED, LEVELS, OURS, QUANTILES
from stflow_lib.book.plots.speedgraph.sources_and_days import in_words
from stflow_lib.runs import Run, build_settings
from stflow_lib.runs.pair import target_of
from stflow_lib.speedgraph import METHODS, TABLES, open_task
from stflow_lib.speedgraph.apply.intervals import BATCH, Intervals
from stflow_lib.speedgraph.beyond.quantile_trees import fitted
from stflow_lib.speedgraph.problem.city import CitySpeed
from stflow_lib.speedgraph.problem.held_back import untaught
from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.conformal import bounds_in_units
from stflow_lib.training.interval_score import Outcome
from stflow_lib.training.method import Predictor

FILE = ROOT / "book" / "speed_intervals.csv"
SPREAD = f"{OURS}, spread of trees"
WINDOWS = 200  # test windows that are judged, at most
NARROW = 0.1  # of a city's unit: no error is measured in less
Speeds = Float[Tensor, "b node ahead"]
Ends = Callable[[CitySpeed, Tensor], tuple[Speeds, Speeds]]  # `QuantileTrees`
Side = tuple[Outcome, Speeds]  # forecasts beside what came, and the unit of their errors


def main(names: list[str], path: Path = FILE) -> None:
    """Measure pairs, all of profile bench unless some are named, in place of older rows."""
    every = [run for name in ("table2", "scarcity") for run in TABLES[name]("bench")]
    planned = [run for run in dict.fromkeys(every) if run.method == OURS and run.seed == 0]
    for name in names or list(dict.fromkeys(run.city for run in planned)):
        found = [row for run in planned if run.city == name for row in measured(run)]
        intervals_ahead.renew(path, name, found)


def table(path: Path = FILE) -> pd.DataFrame:
    """A row for each target, amount of data, minutes ahead and method; empty before the first."""
    found = intervals_ahead.read(path)
    return found.assign(city=found["city"].map(target_of))


def measured(run: Run) -> Iterator[dict]:
    """Rows of a run and of the trees beside it."""
    task, place = open_task(run), {"city": run.city, "scarcity": run.scarcity}
    task = replace(task, test=evenly(task.test, WINDOWS))
    found = list(outcomes(task, run))
    for at, step in enumerate(task.protocol.reported):
        for method, outcome in found:
            where = {**place, "ahead": step * task.minutes, "method": method}
            yield where | judged(task, outcome, at)


def evenly(steps: Int[Tensor, " s"], most: int) -> Int[Tensor, " some"]:
    """At most so many steps, the first and the last among them, at all hours of the day."""
    places = torch.linspace(0, len(steps) - 1, min(most, len(steps)), dtype=torch.double)
    return steps[places.round().long().to(steps.device)]


def outcomes(task: Task, run: Run) -> Iterator[tuple[str, Outcome]]:
    """Each method with its forecasts of the test windows [B, N, K], at the K steps reported."""
    method = METHODS[run.method]
    settings = build_settings(method, run.settings)
    apart, whole = (method.fit(t, settings, run.seed, None) for t in (untaught(task), task))
    yield OURS, conformal(task, apart, whole)
    trees = fitted(task.target, LEVELS, task.protocol.reported)
    held, test = sides(task, trees)
    yield QUANTILES, test[0]
    yield CALIBRATED, calibrated(task, held, test)
    pairs = ((apart, task.target.valid, *held), (whole, task.test, *test))
    ours = [(replace(one, mean=_forecasts(task, ask, s)), unit) for ask, s, one, unit in pairs]
    yield SPREAD, calibrated(task, *ours)


def judged(task: Task, found: Outcome, at: int) -> dict[str, float | int]:
    """Shares inside, below and above, mean width and interval score of what was measured."""
    seen = _reported(task, task.target.labels(task.test)[1])[..., at]
    return Outcome(*(part[..., at][seen] for part in vars(found).values())).summary(LEVELS)


def conformal(task: Task, apart: Predictor, whole: Predictor) -> Outcome:
    """Forecasts of `whole` with the errors of `apart` on the windows that choose around them."""
    held_out = Intervals.of(apart, task, task.target.valid)
    mean = _whole(task, whole, task.test)
    parts = (task.target.labels(task.test)[0], mean, *held_out.bounds(mean, LEVELS))
    return Outcome(*(_reported(task, part) for part in parts))


def sides(task: Task, trees: tuple[Ends, Ends]) -> list[Side]:
    """Quantiles of trees: of the first at windows that choose, of the second at test windows."""
    steps = (task.target.valid, task.test)
    return [_asked(task, ends, some) for ends, some in zip(trees, steps, strict=True)]


def calibrated(task: Task, held: Side, test: Side) -> Outcome:
    """Held-out errors around forecasts of the test windows, by step ahead and size of forecast.

    Errors are alike in units: of `SPREAD` and `CALIBRATED` half the distance of trees' quantiles.
    """
    (told, unit), (asked, half) = held, test
    seen = _reported(task, task.target.labels(task.target.valid)[1])
    ends = []
    for at, own in enumerate(seen.unbind(2)):
        parts = [part[..., at][own] for part in (told.mean, told.truth, unit)]
        ends.append(bounds_in_units(parts, asked.mean[..., at], half[..., at], LEVELS))
    lower, upper = (torch.stack(end, 2).clamp_min(0) for end in zip(*ends, strict=True))
    return replace(asked, lower=lower, upper=upper)


def _whole(task: Task, predictor: Predictor, steps: Int[Tensor, " s"]) -> Speeds:
    return torch.cat([predictor(task, some) for some in steps.split(BATCH)]).clamp_min(0)


def _forecasts(task: Task, predictor: Predictor, steps: Int[Tensor, " s"]) -> Speeds:
    return _reported(task, _whole(task, predictor, steps))


def _asked(task: Task, trees: Ends, steps: Int[Tensor, " s"]) -> Side:
    """Two quantiles around their middle, and half of their distance."""
    lower, upper = trees(task.target, steps)
    truth = _reported(task, task.target.labels(steps)[0])
    half = ((upper - lower) / 2).clamp_min(NARROW)
    return Outcome(truth, (lower + upper) / 2, lower, upper), half


def _reported(task: Task, whole: Tensor) -> Tensor:
    return whole[..., [step - 1 for step in task.protocol.reported]]


def said(found: pd.DataFrame, scarcity: str, ours: str = OURS) -> str:
    """`intervals_ahead.said` of one amount of data."""
    own, days = found[found["scarcity"] == scarcity], in_words(scarcity)
    return intervals_ahead.said(own, "min", days, "the speeds measured", "target", ours)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
