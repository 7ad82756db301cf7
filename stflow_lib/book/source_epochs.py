"""How far a network is in its source, and in a city without a day, after every epoch.

`python -m stflow_lib.book.source_epochs [pair ...]` trains Finetuned's source stage once more for
each transfer, told the hour or not, pick-ups, and writes book/source_epochs.csv. Errors are of
validation labels over that of the hour before. Those of the target choose nothing.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib import ROOT
from stflow_lib.book import by_city
from stflow_lib.gridflow.plan import Plan
from stflow_lib.gridflow.problem.from_run import open_task
from stflow_lib.gridflow.problem.hour_inputs import with_hour_inputs
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.schedule import scaled_rmse
from stflow_lib.gridflow.training.transfer import TransferSettings, on_sources, stnet
from stflow_lib.runs.held_out import is_held_out
from stflow_lib.runs.pair import target_of

FILE = ROOT / "book" / "source_epochs.csv"
METHOD, WAY, SEED = "Finetuned", 0, 0
COLUMNS = ["city", "told", "epoch", "source", "target"]


def main(names: list[str], path: Path = FILE) -> None:
    """Train for the transfers named, unless some are for all whose target is not held out."""
    plan = Plan.of("bench")
    known = [pair for pair in plan.cities if not is_held_out("gridflow", target_of(pair))]
    for pair in names or known:
        task = open_task(plan.runs([METHOD], [pair], [0])[0])
        settings = plan.settings(METHOD)
        lines = [(pair, told, *line) for told in (False, True)
                 for line in curves(task.only(WAY), replace(settings, clock=told))]  # fmt: skip
        by_city.renew(path, pair, pd.DataFrame(lines, columns=COLUMNS), COLUMNS[:2])


def table(path: Path = FILE) -> pd.DataFrame:
    """A row for each transfer, told or not, and epoch; empty where nothing was trained."""
    return by_city.read(path, COLUMNS)


def curves(task: Task, settings: TransferSettings) -> list[tuple[int, float, float]]:
    """(epoch, error in the source, error in the target), both over those of the hour before."""
    cities = task.sources[0], task.target
    bars = [scaled_rmse(last_value, city, settings.source) for city in cities]
    seen = with_hour_inputs(task) if settings.clock else task
    torch.manual_seed(SEED)
    network = stnet(settings)
    log = lambda: {"target": scaled_rmse(network, seen.target, settings.source)}
    found = on_sources(network, seen, settings, SEED, None, log=log).curves
    both = zip(found["valid_rmse"], found["target"], strict=True)
    return [(n, a / bars[0], b / bars[1]) for n, (a, b) in enumerate(both, 1)]


def last_value(
    x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region j"]]:
    """The hour before as a network, its own only feature."""
    guess = x[:, -1].flatten(1)[:, cells]
    return guess, guess[..., None]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
