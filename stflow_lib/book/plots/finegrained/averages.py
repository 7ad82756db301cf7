"""What is left of inferred maps over a whole test part: means that the page of maps draws.

    python -m stflow_lib.book.plots.finegrained.averages PROFILE

publishes them of the networks in the store; see `summaries`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stflow_lib.book.plots.finegrained import inferred, live
from stflow_lib.book.plots.finegrained.maps import binned_rmse
from stflow_lib.book.plots.finegrained.summaries import Drawn, Summaries
from stflow_lib.finegrained import open_task
from stflow_lib.finegrained.plan import RULES, Plan
from stflow_lib.runs import Run

METHODS = (*inferred.DRAWN, "ShareNet")


@dataclass(frozen=True)
class Averages:
    """Means over the maps of a test part, in vehicles per step."""

    city: str
    unit: str
    maps: int  # how many
    flow: np.ndarray  # mean true flow [rows, cols]
    errors: dict[str, np.ndarray]  # method -> mean |true - inferred| [rows, cols]
    by_level: dict[str, pd.Series]  # method -> RMSE of a fine cell, by the flow of its block
    honest: dict[str, pd.Series]  # method -> mean true over mean inferred flow, by the latter


def average(
    city: str, unit: str, truth: np.ndarray, coarse: np.ndarray, fine_of: Mapping
) -> Averages:
    """Of true and inferred maps [S, MI, MJ] of each method, and coarse ones [S, I, J]."""
    factor = truth.shape[1] // coarse.shape[1]
    level = coarse.repeat(factor, 1).repeat(factor, 2)
    bins = np.geomspace(1, level.max() * 1.001, 13)
    edges = np.geomspace(0.25, truth.max(), 13)
    return Averages(
        city, unit, len(truth), truth.mean(0),
        {m: np.abs(fine - truth).mean(0) for m, fine in fine_of.items()},
        {m: binned_rmse(level, fine - truth, bins) for m, fine in fine_of.items()},
        {m: inferred.honesty(fine, truth, edges) for m, fine in fine_of.items()},
    )  # fmt: skip


def gains(errors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By how much networks err less than HA, and UrbanSTC less than the best of the others."""
    networks = [method for method in errors if method not in RULES]
    found = {f"HA - {method}": errors["HA"] - errors[method] for method in networks}
    others = [method for method in networks if method != "UrbanSTC"]
    if others and "UrbanSTC" in errors:
        rival = min(others, key=lambda method: errors[method].mean())
        found[f"{rival} - UrbanSTC"] = errors[rival] - errors["UrbanSTC"]
    return found


def planned(profile: str) -> list[Run]:
    """The runs that are published: the first city, all of its data, the first seed."""
    plan = Plan.of(profile)
    methods = [method for method in METHODS if plan.has(method)]
    return plan.runs(methods, plan.first(4)[:1], plan.all_data, plan.seeds[:1])


def stored(profile: str) -> dict[str, list[Run]]:
    """City -> those planned runs whose networks the store has, trained by the code that is here."""
    chosen = [run for run in planned(profile) if live.has_checkpoint(run)]
    return {chosen[0].city: chosen}


def summarise(chosen: Sequence[Run]) -> Averages:
    """Averages of what the runs' networks infer of the test part."""
    task = open_task(chosen[0])
    fine_of = {run.method: inferred.infer(run, task, task.test) for run in chosen}
    truth, coarse = (
        maps[task.test, 0].cpu().double().numpy() for maps in (task.fine, task.coarse)
    )
    return average(task.city, task.unit, truth, coarse, fine_of)


SUMMARIES = Summaries("maps", Averages, stored, summarise)


def read(profile: str) -> Drawn[Averages] | None:
    """The published averages of a profile's first city; None where there are none."""
    return SUMMARIES.read(planned(profile)[0].city, profile)


if __name__ == "__main__":
    print(*SUMMARIES.publish(*sys.argv[1:]), sep="\n")
