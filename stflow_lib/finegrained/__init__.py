"""UrbanSTC's problem: infer a fine flow map from a coarse one."""

from stflow_lib.finegrained import endtoend, urbanfm, urbanstc
from stflow_lib.finegrained.rules import HA, MEAN
from stflow_lib.finegrained.tables import TABLES
from stflow_lib.finegrained.task import Task, make_task, open_task, score

METHODS = {
    method.name: method
    for method in (
        MEAN,
        HA,
        urbanfm.METHOD,
        urbanstc.METHOD,
        urbanstc.EXTERNAL,
        urbanstc.LOG,
        endtoend.METHOD,
    )
}

__all__ = ["METHODS", "TABLES", "Task", "make_task", "open_task", "score"]
