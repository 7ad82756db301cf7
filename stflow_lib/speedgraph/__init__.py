"""TSJT's problem: forecast speeds of a city with three days from cities with many."""

from stflow_lib.speedgraph import reptile, ridge, tsjt
from stflow_lib.speedgraph.opening import open_task
from stflow_lib.speedgraph.protocol import PROTOCOLS, Protocol
from stflow_lib.speedgraph.rules import RULES
from stflow_lib.speedgraph.scoring import score
from stflow_lib.speedgraph.task import Choices, Task, make_task

METHODS = {
    method.name: method
    for method in (
        *RULES,
        ridge.METHOD,
        tsjt.TARGET_ONLY,
        tsjt.POOLED,
        reptile.DCRNN,
        reptile.WAVENET,
        tsjt.METHOD,
        tsjt.WAVENET,
    )
}

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "RULES",
    "Choices",
    "Protocol",
    "Task",
    "make_task",
    "open_task",
    "score",
]
