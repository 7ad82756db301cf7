"""TSJT's problem: forecast speeds of a city with three days from cities with many."""

from stflow_lib.speedgraph import ridge
from stflow_lib.speedgraph.opening import open_task
from stflow_lib.speedgraph.protocol import PROTOCOLS, Protocol
from stflow_lib.speedgraph.rules import RULES
from stflow_lib.speedgraph.scoring import score
from stflow_lib.speedgraph.task import Choices, Task, make_task

METHODS = {method.name: method for method in (*RULES, ridge.METHOD)}

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "Choices",
    "Protocol",
    "Task",
    "make_task",
    "open_task",
    "score",
]
