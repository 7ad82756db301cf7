"""Masked errors on the target's test windows, at the steps ahead that a protocol reports."""

from collections.abc import Callable

import torch
from torch import Tensor

from stflow_lib.kernels import masked_error
from stflow_lib.speedgraph.problem.task import Task


def score(task: Task, predict: Callable[[Task, Tensor], Tensor], batch: int = 64) -> dict:
    """Errors in the target's own unit (mph or km/h: never to be averaged over cities).

    `predict(task, steps [B]) -> [B, N, Q]`. Returns {"metrics", "parts"}: MAE and RMSE as the
    mean of the three reported steps, which is what TSJT's "avg." is; parts hold each of them by
    its minutes ahead. Sums are pooled over all windows and sensors measured. ValueError for a
    prediction that is not finite.
    """
    sums = torch.zeros(3, task.protocol.ahead, dtype=torch.float64, device=task.device)
    for steps in task.test.split(batch):
        guess, (truth, seen) = predict(task, steps), task.target.labels(steps)
        if not torch.isfinite(guess).all():
            raise ValueError(f"{task.target.name}: a prediction is not finite")
        sums += masked_error(guess, truth, seen)
    return _summary(task, sums)


def _summary(task: Task, sums: Tensor) -> dict:
    absolute, squared, count = sums.tolist()
    parts = {}
    for step in task.protocol.reported:
        if not count[step - 1]:
            raise ValueError(f"{task.target.name}: nothing measured {step} steps ahead")
        label = f"min{step * task.minutes}"
        parts[f"{label}_mae"] = absolute[step - 1] / count[step - 1]
        parts[f"{label}_rmse"] = (squared[step - 1] / count[step - 1]) ** 0.5
    return {"metrics": {e: _mean(parts, e) for e in ("mae", "rmse")}, "parts": parts}


def _mean(parts: dict[str, float], error: str) -> float:
    values = [value for name, value in parts.items() if name.endswith(f"_{error}")]
    return sum(values) / len(values)
