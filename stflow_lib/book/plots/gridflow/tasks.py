"""Tasks that a page opens by name, and methods that it fits on the spot."""

from types import SimpleNamespace

from stflow_lib.gridflow import Task, open_task, score
from stflow_lib.training.method import Method, Predictor


def open_pair(pair: str, protocol: str, days: int | str) -> Task:
    """The task of "SOURCE>TARGET" or "TARGET" with so many days of the target's data."""
    return open_task(SimpleNamespace(city=pair, protocol=protocol, scarcity=str(days)))


def fitted(method: Method, task: Task) -> Predictor:
    """A method fitted with its usual settings."""
    return method.fit(task, method.settings(), 0, None)


def measured_errors(method: Method, task: Task) -> dict[str, float]:
    """Test errors of a method fitted with its usual settings."""
    return score(task, fitted(method, task))["metrics"]
