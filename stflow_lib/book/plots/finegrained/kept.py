"""What three last layers keep of a city's vehicles: what the page of conservation draws.

    python -m stflow_lib.book.plots.finegrained.kept PROFILE

publishes it of the networks in the store; see `summaries`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from stflow_lib import runs
from stflow_lib.book.plots.finegrained.last_layers import (
    bands,
    block_sums,
    errors_and_losses,
    largest_weights,
    mape_parts,
    repaired,
    scores_and_weights,
    shares_above,
)
from stflow_lib.book.plots.finegrained.summaries import Summaries
from stflow_lib.finegrained import METHODS, Task, ablations, cost, open_task
from stflow_lib.finegrained.plan import Plan
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.runs import Run
from stflow_lib.training.method import Predictor

FORMS = ("none", "m2_signed", "m2")
PREDICTED = ("SRCNN", "UrbanFM")  # whose test maps are predicted, in three forms each
BORN, BIRTHS = "VDSR", 20  # whose untrained networks show what signed scores do, and how many
FEW = 32  # test maps that untrained networks are given


@dataclass(frozen=True)
class Kept:
    """Of one city's test part; flows in vehicles per step, "METHOD, FORM" for each network."""

    city: str
    unit: str
    maps: int  # how many
    vehicles: float  # on a map
    untrained: pd.DataFrame  # network, last layer m2 -> largest gap, share of dead blocks
    by_rule: dict[str, float]  # lowest and highest share of a block that HA keeps
    losses: pd.DataFrame  # network -> see `errors_and_losses`
    repaired: pd.DataFrame  # (method, form) -> the same, of repairs of its form "none"
    parts: pd.DataFrame  # network -> MAPE_PARTS
    last: str  # the method of the next three
    sums: dict[str, pd.DataFrame]  # form -> `bands` of block sums over the coarse cell
    off: dict[str, float]  # form -> mean |block sum - coarse cell|
    above: dict[str, pd.Series]  # networks -> `shares_above` of the largest |weight| of a block
    cancelled: pd.DataFrame  # of untrained signed ones: `bands` of it over |sum of scores|


def planned(profile: str) -> dict[str, list[Run]]:
    """City -> the runs of `PREDICTED` with three last layers: first seed, all data."""
    found: dict[str, list[Run]] = {}
    for label, (run, *_) in ablations.constraint(profile).items():
        if label.split(",")[0] in PREDICTED:
            found.setdefault(run.city, []).append(run)
    return found


def form_of(run: Run) -> str:
    """The last layer of a run."""
    return run.settings.get("constraint", "m2")


def summarise(chosen: Sequence[Run]) -> Kept:
    """What the runs' networks keep of one city, and untrained ones of the profile's sizes."""
    task, plan = open_task(chosen[0]), Plan.of(chosen[0].profile)
    predictors = {f"{run.method}, {form_of(run)}": runs.predictor(run) for run in chosen}
    last = chosen[-1].method
    fine_of = {form: whole(predictors[f"{last}, {form}"], task) for form in FORMS}
    coarse = task.coarse[task.test]
    sums = {form: (coarse, block_sums(fine, task.factor)) for form, fine in fine_of.items()}
    scores, born = untrained_weights(task, plan)
    weights = {f"{BORN}, m2_signed, untrained": born} | {
        f"{last}, {form}, trained": largest_weights(fine_of[form], coarse) for form in FORMS[1:]
    }
    losses = {label: errors_and_losses(ask, task) for label, ask in predictors.items()}
    return Kept(
        task.city, task.unit, len(task.test), coarse.sum().item() / len(task.test),
        untrained(task, plan), kept_by_rule(task), pd.DataFrame(losses).T,
        repaired(predictors, task, losses),
        pd.DataFrame({label: mape_parts(ask, task) for label, ask in predictors.items()}).T, last,
        {form: bands(*pair, steps(coarse)) for form, pair in sums.items()},
        {form: (total - x).abs().mean().item() for form, (x, total) in sums.items()},
        {name: shares_above(found) for name, found in weights.items()},
        bands(scores, born, np.geomspace(scores.min(), scores.max() * 1.001, 25)),
    )  # fmt: skip


def whole(predict: Predictor, task: Task) -> Tensor:
    """The inferred maps of the test part [S, 1, HM, WM]."""
    return torch.cat([predict(task, part) for part in task.test.split(128)])


def untrained(task: Task, plan: Plan) -> pd.DataFrame:
    """Of every network of the plan with random weights: largest gap and share of dead blocks."""
    torch.manual_seed(0)
    few, rows = task.test[:FEW], {}
    for name, method in METHODS.items():
        if not cost.recipe(method) or not plan.has(name) or name.endswith("+E"):
            continue
        part = cost.parts(method, task, plan.settings(name))[-1]
        with torch.inference_mode():
            fine = part.network.eval()(task.coarse[few], part.task.external[few])
        gap, dead, full = block_losses(fine, task.coarse[few], task.factor)
        rows[name] = {"largest gap": gap, "dead blocks": dead / full}
    return pd.DataFrame(rows).T


def kept_by_rule(task: Task) -> dict[str, float]:
    """Lowest and highest share of a full block's vehicles that HA keeps; none with directions.

    HA's shares of a block sum to the share of training maps in which it was not empty.
    """
    if len(task.directions) > 1:
        return {}
    few, method = task.test[:FEW], METHODS["HA"]
    full = task.coarse[few] > 0
    rule = method.fit(task, method.settings(), 0, None)
    kept = (block_sums(rule(task, few), task.factor) / task.coarse[few])[full]
    seldom = (task.coarse[task.train] > 0).double().mean(0).expand(full.shape)[full]
    assert torch.allclose(kept, seldom, atol=1e-4)
    return {"lowest": kept.min().item(), "highest": kept.max().item()}


def untrained_weights(task: Task, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Of full blocks of `BIRTHS` untrained networks: |sum of scores|, and largest |weight|."""
    settings, found = plan.settings(BORN, {"constraint": "m2_signed"}), []
    few = task.test[:FEW]
    for seed in range(BIRTHS):
        torch.manual_seed(seed)
        network = cost.parts(METHODS[BORN], task, settings)[-1].network
        found.append(scores_and_weights(network, task.coarse[few], task.external[few]))
    sums, largest = (torch.cat(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return np.abs(sums), largest


def steps(coarse: Tensor) -> np.ndarray:
    """Edges of ranges of counts: 0 alone, then wider and wider ones."""
    return np.r_[-0.5, 0.5, np.geomspace(1.5, max(coarse.max().item(), 2) + 0.5, 20)]


SUMMARIES = Summaries("last_layers", Kept, planned, summarise)

if __name__ == "__main__":
    print(*SUMMARIES.publish(*sys.argv[1:]), sep="\n")
