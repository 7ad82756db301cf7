"""STBaT's problem: predict demand in a city with little data from cities with much."""

from functools import partial

from stflow_lib.gridflow.apply.forecast import Forecaster, fit, forecast, load_model
from stflow_lib.gridflow.baselines import (
    arima,
    finetuned,
    linear,
    maml,
    metast,
    mlp,
    regiontrans,
    stdaan,
)
from stflow_lib.gridflow.baselines.crosstres import method as crosstres
from stflow_lib.gridflow.baselines.pdformer import method as pdformer
from stflow_lib.gridflow.baselines.rules import RULES
from stflow_lib.gridflow.beyond import boosted_line, ensemble, trees
from stflow_lib.gridflow.problem.day_sums import day_sums
from stflow_lib.gridflow.problem.from_run import open_task
from stflow_lib.gridflow.problem.protocol import PROTOCOLS, Protocol
from stflow_lib.gridflow.problem.scoring import score
from stflow_lib.gridflow.problem.task import ALL_DAYS, Choices, Task, make_task
from stflow_lib.gridflow.stbat.method import METHOD as STBAT
from stflow_lib.gridflow.tables import TABLES
from stflow_lib.runs.failure import Bar
from stflow_lib.runs.staleness import transfer_hash
from stflow_lib.training.calibrated import save

data_hash = partial(transfer_hash, open_task)

METHODS = {  # the rules, then the paper's order, then what it lacks
    method.name: method
    for method in (
        *RULES,
        arima.METHOD,
        finetuned.TARGET_ONLY,
        pdformer.METHOD,
        finetuned.FINETUNED,
        maml.METHOD,
        metast.METHOD,
        regiontrans.METHOD,
        stdaan.METHOD,
        crosstres.METHOD,
        STBAT,
        linear.METHOD,
        mlp.METHOD,
        trees.ALONE,
        trees.POOLED,
        boosted_line.METHOD,
        ensemble.METHOD,
    )
}

BAR = Bar("rmse", {"Previous hour": 1.0})
# Targets on which settings of methods that no paper printed are chosen.
CHOOSING = frozenset({"jonas-nyc-taxi", "jonas-dc-taxi", "jonas-nyc-bike", "jonas-dc-bike"})

__all__ = [
    "ALL_DAYS",
    "BAR",
    "CHOOSING",
    "METHODS",
    "PROTOCOLS",
    "TABLES",
    "Choices",
    "Forecaster",
    "Protocol",
    "Task",
    "data_hash",
    "day_sums",
    "fit",
    "forecast",
    "load_model",
    "make_task",
    "open_task",
    "save",
    "score",
]
