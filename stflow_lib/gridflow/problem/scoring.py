"""Errors on the target's test steps: of all valid cells, by direction, and by kind of region.

A pooled error hides what happens to the rare kinds, and balance is about them.
"""

from collections.abc import Callable

from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.metrics import FlowErrors

Errors = dict[str, dict[str, float]]  # by direction, then "rmse" and "mae"
Maps = Float[Tensor, "b direction row col"]


def score(
    task: Task, predict: Callable[[Task, Int[Tensor, " b"]], Maps], batch: int = 256
) -> dict:
    """Errors on the target's test steps over valid cells, in trips per step.

    `predict(task, steps [B]) -> [B, D, H, W]`. Returns {"metrics", "parts"}: RMSE and MAE pooled
    over hours and cells of a direction, then the mean of the directions (STBaT section 5.1);
    parts hold each direction, "without_event" where the protocol names one, and "kind_K" for
    every kind of cell where the task knows them.
    """
    pools = {name: _pools(task) for name in ("", *_kinds(task))}
    calm = _pools(task)
    for steps in task.test.split(batch):
        guess, truth = predict(task, steps), task.target.flow[steps]
        if guess.shape != truth.shape:
            raise ValueError(f"prediction {tuple(guess.shape)}, truth {tuple(truth.shape)}")
        _add(pools[""], guess, truth, task.target.mask)
        for name, cells in _kinds(task).items():
            _add(pools[name], guess, truth, task.target.mask & cells)
        quiet = _outside(steps, task.protocol.event)
        _add(calm, guess[quiet], truth[quiet], task.target.mask)
    return _summary(task, pools, calm)


def _summary(task: Task, pools: dict[str, dict], calm: dict) -> dict:
    ways = _results(pools.pop(""))
    parts = {f"{way}_{name}": value for way, one in ways.items() for name, value in one.items()}
    apart = pools | ({"without_event": calm} if task.protocol.event else {})
    for label, pool in apart.items():
        parts |= {f"{label}_{name}": value for name, value in _mean(_results(pool)).items()}
    return {"metrics": _mean(ways), "parts": parts}


def _kinds(task: Task) -> dict[str, Bool[Tensor, "row col"]]:
    """The cells of each kind that has a valid one."""
    if task.kinds is None:
        return {}
    found = task.kinds[task.target.mask.any(0)].unique().tolist()
    return {f"kind_{kind}": task.kinds == kind for kind in found if kind >= 0}


def _pools(task: Task) -> dict[str, FlowErrors]:
    return {way: FlowErrors() for way in task.directions}


def _add(
    pools: dict[str, FlowErrors],
    guess: Maps,
    truth: Maps,
    cells: Bool[Tensor, "direction row col"],
) -> None:
    for d, pool in enumerate(pools.values()):
        pool.add(guess[:, d, cells[d]], truth[:, d, cells[d]])


def _results(pools: dict[str, FlowErrors]) -> Errors:
    """Directions without a cell are left out."""
    results = {way: pool.result() for way, pool in pools.items() if pool.count}
    return {way: {name: one[name] for name in ("rmse", "mae")} for way, one in results.items()}


def _mean(ways: Errors) -> dict[str, float]:
    return {
        name: sum(one[name] for one in ways.values()) / len(ways) for name in ("rmse", "mae")
    }


def _outside(steps: Int[Tensor, " b"], event: tuple[int, int] | None) -> Bool[Tensor, " b"]:
    first, end = event or (0, 0)
    return (steps < first) | (steps >= end)
