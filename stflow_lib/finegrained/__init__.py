"""UrbanSTC's problem: infer a fine flow map from a coarse one."""

from stflow_lib.finegrained import urbanfm, urbanstc
from stflow_lib.finegrained.rules import HA, MEAN
from stflow_lib.finegrained.tables import TABLES
from stflow_lib.finegrained.task import Task, make_task, open_task, score

METHODS = {m.name: m for m in (MEAN, HA, urbanfm.METHOD, urbanstc.METHOD)}

__all__ = ["METHODS", "TABLES", "Task", "make_task", "open_task", "score"]
