"""Validation windows as judges: a task on which they choose and teach nothing."""

from dataclasses import replace

from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Predictor


def held_back(task: Task, fitted: Predictor) -> Task:
    """The task to fit again where what chose `fitted` has taught it too; the same task if not.

    An error on windows that taught is no validation error. Networks meet them in the second
    training of `task.refit` only, and read all else as before, so that checkpoints of the first
    one serve. Other methods end with a fit on `target.known`, of which `target.train` is left;
    means over whole days still hold the blocks between.
    """
    if fitted.epochs:
        return replace(task, refit=False) if task.refit else task
    city = task.target
    return replace(task, target=replace(city, known=city.train)) if len(city.valid) else task
