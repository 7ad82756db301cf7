"""Validation windows as judges: a task on which they choose and teach nothing."""

from dataclasses import replace

from stflow_lib.speedgraph.problem.task import Task
from stflow_lib.training.method import Predictor


def held_back(task: Task, fitted: Predictor) -> Task:
    """The task to fit again where what chose `fitted` has taught it too; the same task if not.

    An error on windows that taught is no validation error. Networks meet them in the second
    training of `task.refit` only, and read all else as before, so that checkpoints of the first
    one serve. Other methods: `untaught`.
    """
    if fitted.epochs:
        return replace(task, refit=False) if task.refit else task
    return untaught(task) if len(task.target.valid) else task


def untaught(task: Task) -> Task:
    """The task for methods that end with a fit on `target.known`: `target.train` is left of it.

    Means over whole days still hold the blocks between, and so does ARIMA, which reads all steps
    from the first to the last of `known` in a row.
    """
    return replace(task, target=replace(task.target, known=task.target.train))
