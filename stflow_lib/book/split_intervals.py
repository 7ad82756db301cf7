"""90 % intervals of fine cells on the test part, of any split head beside the quantiles of trees.

`python -m stflow_lib.book.split_intervals [city ...]` measures them and writes what the page shows
to book/split_intervals.csv. A head's intervals are its own errors on the validation part, in
deviations of a draw and by size of the prediction (`finegrained.apply.infer.bounds`); trees are
asked for the two quantiles.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from stflow_lib import ROOT, runs
from stflow_lib.book import by_city
from stflow_lib.finegrained import TABLES, open_task
from stflow_lib.finegrained.apply.infer import bounds, calibrated, inside, means
from stflow_lib.finegrained.beyond.trees import (
    Blocks,
    History,
    TreesSettings,
    drawn,
    features,
    flat,
    rows,
)
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.runs import Run
from stflow_lib.training.interval_score import Outcome
from stflow_lib.training.trees import quantile_trees

FILE = ROOT / "book" / "split_intervals.csv"
HEADS = ("Trees", "ShareNet", "MultinomialNet")
QUANTILES = "quantiles of trees"
LEVELS = (0.05, 0.95)
BUSY = 5  # vehicles: least mean in training of a cell that is judged
PLACE = ["city", "scarcity"]
COLUMNS = [*PLACE, "method", "inside", "below", "above", "width", "score", "mae", "n"]
Fine = Float[Tensor, "sample 1 fine_row fine_col"]


def main(names: list[str], path: Path = FILE) -> None:
    """Measure cities, all of profile bench unless some are named, in place of older rows."""
    planned = [r for r in TABLES["beyond"]("bench") if r.method in HEADS and r.seed == 0]
    for name in names or list(dict.fromkeys(run.city for run in planned)):
        found = pd.DataFrame(measured([r for r in planned if r.city == name]), columns=COLUMNS)
        by_city.renew(path, name, found, PLACE)


def table(path: Path = FILE) -> pd.DataFrame:
    """A row for each city, amount of data and method; empty where nothing was measured."""
    return by_city.read(path, COLUMNS)


def measured(planned: list[Run]) -> Iterator[dict]:
    """Rows of the runs of one city and of the trees' quantiles; none without a busy cell."""
    for amount in dict.fromkeys(run.scarcity for run in planned):
        here = [run for run in planned if run.scarcity == amount]
        task = open_task(here[0])
        place = {"city": here[0].city, "scarcity": amount}
        for method, summary in _of_place(task, here) if busy(task).any() else ():
            yield {**place, "method": method, **summary}


def _of_place(task: Task, here: list[Run]) -> Iterator[tuple[str, dict]]:
    cells = busy(task)
    for run in here:
        yield run.method, judged(cells, conformal(task, runs.predictor(run)))
    yield QUANTILES, judged(cells, quantiles(task))


def busy(task: Task) -> Bool[Tensor, "sample 1 fine_row fine_col"]:
    """Cells of test maps with a training mean of at least `BUSY` in a block that is not empty."""
    ways = len(task.directions)
    usual = torch.stack([task.fine[task.train[d::ways]].mean(0) for d in range(ways)])
    return (_whole(task) > 0) & (usual >= BUSY)[task.test % ways]


def judged(cells: Tensor, found: Outcome) -> dict[str, float | int]:
    """Shares inside, below and above, mean width and interval score of some cells."""
    return Outcome(*(maps[cells] for maps in vars(found).values())).summary(LEVELS)


def conformal(task: Task, predictor) -> Outcome:
    """A head's maps, with its errors on the validation part around them, by direction."""
    whole, mean = _whole(task), means(predictor, task, task.test)
    ways = calibrated(predictor, replace(task, test=task.valid))
    return Outcome(task.fine[task.test], mean, *bounds(mean, whole, ways, LEVELS))


def _whole(task: Task) -> Fine:
    return upsample_nearest(task.coarse[task.test], task.factor)


def quantiles(task: Task, settings: TreesSettings | None = None) -> Outcome:
    """Gradient-boosted trees asked for the quantiles of shares, on what `Trees` reads.

    An error of a share costs its block's vehicles times the quantile loss, which is that of flows.
    """
    settings = settings or TreesSettings()
    history = History.of(task, settings.smoothing)
    sides = ((task.train, True), (task.valid, False))
    told = [
        _rows(Blocks.full(task, part), settings, history, learned) for part, learned in sides
    ]
    test = Blocks.full(task, task.test)
    base, x = test.fine(history.shares), flat(features(test, history))
    ends = [quantile_trees(settings.booster, level, *told)(x) for level in LEVELS]
    shares = [base + torch.from_numpy(end).to(base).view_as(base) for end in ends]
    maps = [_as_maps(task, share * test.vehicles[:, None]) for share in shares]
    lower, upper = (inside(end, _whole(task)) for end in maps)
    return Outcome(task.fine[task.test], (lower + upper) / 2, lower, upper)


def _rows(blocks: Blocks, settings: TreesSettings, history: History, learned: bool):
    some, weights = drawn(blocks, settings.blocks)
    plain = weights.sqrt() if len(some.cell) == len(blocks.cell) else torch.ones_like(weights)
    return rows(some, plain, history, learned)


def _as_maps(task: Task, cells: Float[Tensor, "k cell"]) -> Fine:
    """Maps of the test part from the cells of its blocks that are not empty."""
    coarse = task.coarse[task.test]
    whole = coarse.new_zeros(*coarse.flatten(1).shape, task.factor**2)
    whole[coarse.flatten(1) > 0] = cells.to(whole)
    maps = whole.transpose(1, 2).unflatten(2, coarse.shape[2:])
    return torch.nn.functional.pixel_shuffle(maps, task.factor)


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """What the page shows: share inside in percent, width and score, by city and amount."""
    whole = found.assign(**{"inside (%)": 100 * found["inside"]})
    wide = whole.set_index([*PLACE, "method"])[["inside (%)", "width", "score", "n"]]
    return wide.rename(columns={"n": "cells"})


def said(found: pd.DataFrame, head: str = "MultinomialNet") -> str:
    """In how many places a head's intervals hold, and are better than the quantiles of trees."""
    score = found.pivot_table(index=PLACE, columns="method", values="score")
    inside = 100 * found[found["method"] == head].set_index(PLACE)["inside"]
    if score.empty or head not in score or QUANTILES not in score:
        return "Nothing was measured yet."
    ratio = (score[head] / score[QUANTILES]).dropna()
    return (
        f"90 % intervals of {head} hold {inside.min():.1f} to {inside.max():.1f} % of cells with "
        f"at least {BUSY} vehicles in the mean; in {inside.between(88, 92).sum()} of "
        f"{len(inside)} settings 88 to 92 %. Their score is below that of the quantiles of trees "
        f"in {(ratio < 1).sum()} of {len(ratio)} (ratio {ratio.min():.2f} to {ratio.max():.2f})."
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
