"""Which method forecasts: the one that is asked for, else a mixture of the fast ones."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.apply import shipped
from stflow_lib.gridflow.apply.rollout import ORIGINS, rolled, sample_of
from stflow_lib.gridflow.apply.split import Split
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.runs import profiles
from stflow_lib.runs.pair import named
from stflow_lib.training.method import Method, Predictor
from stflow_lib.training.mixture import mixed, shares_of

RECOMMENDED = "Boosted line"  # the quickest part of what "What to use" names most often
LINE = "Linear"  # needs no source
TREES, TREES_DAYS = "Trees", 5  # need none either, but days that tell what is usual
QUICK = {TREES: {"booster": {"rate": 0.2, "patience": 10, "trees": 200}}}  # a third of the time
ALONE = "Previous hour"  # where nothing was ever learned for such steps
SEASONAL = {"Yesterday": 1, "Hour-of-week mean": 7, "Last week": 7}  # days that each looks back
SIZE = "lab"  # of methods, see profiles.yaml


def fitted(task: Task, split: Split, ahead: int, name: str | None, seed: int) -> Predictor:
    """The predictor of the method `name`; without one, of the candidates mixed.

    The errors of forecasts from the validation steps weigh them (`mixture`); where there is
    nothing to learn from, the model that comes with the package is taken. A wrong name is a
    DataError that lists those there are.
    """
    if not (name or split.learns) and shipped.fits(task):
        return shipped.predictor(task)
    names = [name] if name else candidates(task, split)
    found = [method.fit(task, settings(method), seed) for method in map(method_of, names)]
    if len(found) == 1:
        return found[0]
    origins = sample_of(range(split.protocol.valid, split.protocol.test), ORIGINS // 2)
    origins = origins[origins + ahead <= len(task.target.flow)].to(task.device)
    errors = [errors_of(predictor, task, origins, ahead) for predictor in found]
    return mixed(found, shares_of(torch.stack(errors)))


def candidates(task: Task, split: Split) -> list[str]:
    """RECOMMENDED where there is a source, LINE where there are own days or nothing else, TREES
    from TREES_DAYS on, and the rules for whose look back the steps that are learned from suffice.
    """
    if not split.learns:
        return [ALONE]
    days = split.protocol.valid / task.day if split.held_out.start > task.target.lags else 0
    learned = [RECOMMENDED] * bool(task.sources) + [LINE] * bool(days or not task.sources)
    learned += [TREES] * (days >= TREES_DAYS)
    return learned + [rule for rule, back in SEASONAL.items() if days >= back]


def settings(method: Method) -> Any:
    """Those of a laptop, of trees quicker ones."""
    quick = QUICK.get(method.name, {})
    return profiles.settings_of("gridflow", SIZE, method, quick)


def errors_of(
    predictor: Predictor, task: Task, origins: Int[Tensor, " origin"], ahead: int
) -> Float[Tensor, " n"]:
    """Errors of forecasts from origins [O], over all steps ahead and valid cells."""
    guess = rolled(predictor, task, origins, ahead)
    truth = task.target.flow[origins[:, None] + torch.arange(ahead, device=task.device)]
    return (guess - truth)[:, :, task.target.mask].flatten()


def method_of(name: str) -> Method:
    """The method of a name; DataError lists the names that exist."""
    from stflow_lib.gridflow import METHODS

    return named("method", METHODS, name)
