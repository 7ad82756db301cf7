"""TSJT's problem: forecast speeds of a city with three days from cities with many."""

from functools import partial

from stflow_lib.runs.content import transfer_hash
from stflow_lib.speedgraph import (
    adarnn,
    alone,
    arima,
    dastnet,
    dstagnn,
    finetuned,
    fogs,
    gpd,
    reptile,
    ridge,
    stgfsl,
    stgp,
    tpb,
    transgtr,
    tsjt,
)
from stflow_lib.speedgraph.opening import open_task
from stflow_lib.speedgraph.protocol import PROTOCOLS, Protocol
from stflow_lib.speedgraph.rules import RULES
from stflow_lib.speedgraph.scoring import score
from stflow_lib.speedgraph.tables import TABLES
from stflow_lib.speedgraph.task import Choices, Task, make_task

data_hash = partial(transfer_hash, open_task)

METHODS = {  # the rules, then the paper's order, then what it lacks
    method.name: method
    for method in (
        *RULES,
        arima.METHOD,
        reptile.DCRNN,
        reptile.WAVENET,
        dstagnn.METHOD,
        fogs.METHOD,
        adarnn.METHOD,
        stgfsl.METHOD,
        stgfsl.WAVENET,
        dastnet.METHOD,
        tpb.METHOD,
        transgtr.METHOD,
        gpd.METHOD,
        stgp.METHOD,
        tsjt.METHOD,
        tsjt.WAVENET,
        ridge.METHOD,
        tsjt.TARGET_ONLY,
        alone.METHOD,
        finetuned.METHOD,
        tsjt.POOLED,
        tsjt.WALKED,
    )
}

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "RULES",
    "TABLES",
    "Choices",
    "Protocol",
    "Task",
    "data_hash",
    "make_task",
    "open_task",
    "score",
]
