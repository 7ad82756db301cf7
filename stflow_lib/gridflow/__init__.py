"""STBaT's problem: predict demand in a city with little data from cities with much."""

from stflow_lib.gridflow import transfer
from stflow_lib.gridflow.opening import open_task
from stflow_lib.gridflow.protocol import PROTOCOLS, Protocol
from stflow_lib.gridflow.rules import RULES
from stflow_lib.gridflow.task import ALL_DAYS, Choices, Task, make_task, score

METHODS = {  # in the paper's order, the rules first
    method.name: method for method in (*RULES, transfer.TARGET_ONLY, transfer.FINETUNED)
}

__all__ = [
    "ALL_DAYS",
    "METHODS",
    "PROTOCOLS",
    "Choices",
    "Protocol",
    "Task",
    "make_task",
    "open_task",
    "score",
]
