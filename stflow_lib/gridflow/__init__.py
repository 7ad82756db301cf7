"""STBaT's problem: predict demand in a city with little data from cities with much."""

from functools import partial

from stflow_lib.gridflow import (
    arima,
    crosstres,
    linear,
    maml,
    metast,
    mlp,
    pdformer,
    regiontrans,
    stbat,
    stdaan,
    transfer,
)
from stflow_lib.gridflow.opening import open_task
from stflow_lib.gridflow.protocol import PROTOCOLS, Protocol
from stflow_lib.gridflow.rules import RULES
from stflow_lib.gridflow.scoring import score
from stflow_lib.gridflow.tables import TABLES
from stflow_lib.gridflow.task import ALL_DAYS, Choices, Task, make_task
from stflow_lib.runs.content import transfer_hash

data_hash = partial(transfer_hash, open_task)

METHODS = {  # the rules, then the paper's order, then what it lacks
    method.name: method
    for method in (
        *RULES,
        arima.METHOD,
        transfer.TARGET_ONLY,
        pdformer.METHOD,
        transfer.FINETUNED,
        maml.METHOD,
        metast.METHOD,
        regiontrans.METHOD,
        stdaan.METHOD,
        crosstres.METHOD,
        stbat.METHOD,
        linear.METHOD,
        mlp.METHOD,
    )
}

__all__ = [
    "ALL_DAYS",
    "METHODS",
    "PROTOCOLS",
    "TABLES",
    "Choices",
    "Protocol",
    "Task",
    "data_hash",
    "make_task",
    "open_task",
    "score",
]
