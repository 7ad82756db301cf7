"""TSJT's problem: forecast speeds of a city with three days from cities with many."""

from functools import partial

from stflow_lib.runs.failure import Bar
from stflow_lib.runs.staleness import transfer_hash
from stflow_lib.speedgraph.apply.forecast import Forecaster, fit, forecast, load_model
from stflow_lib.speedgraph.baselines import (
    adarnn,
    arima,
    finetuned,
    reptile_backbones,
    ridge,
    tpb,
)
from stflow_lib.speedgraph.baselines.dastnet import method as dastnet
from stflow_lib.speedgraph.baselines.dstagnn import method as dstagnn
from stflow_lib.speedgraph.baselines.fogs import method as fogs
from stflow_lib.speedgraph.baselines.gpd import method as gpd
from stflow_lib.speedgraph.baselines.rules import RULES
from stflow_lib.speedgraph.baselines.stgfsl import method as stgfsl
from stflow_lib.speedgraph.baselines.stgp import method as stgp
from stflow_lib.speedgraph.baselines.transgtr import method as transgtr
from stflow_lib.speedgraph.beyond import boosted_line, graph_ridge, told_trees, trees
from stflow_lib.speedgraph.problem.day_sums import day_sums
from stflow_lib.speedgraph.problem.from_run import open_task
from stflow_lib.speedgraph.problem.held_back import held_back
from stflow_lib.speedgraph.problem.protocol import PROTOCOLS, Protocol
from stflow_lib.speedgraph.problem.scoring import score
from stflow_lib.speedgraph.problem.task import Choices, Task, make_task
from stflow_lib.speedgraph.tables import TABLES
from stflow_lib.speedgraph.tsjt import controls
from stflow_lib.speedgraph.tsjt.method import METHOD as TSJT
from stflow_lib.speedgraph.tsjt.method import TSJT_GWN
from stflow_lib.training.calibrated import save

data_hash = partial(transfer_hash, open_task)

METHODS = {  # the rules, then the paper's order, then what it lacks
    method.name: method
    for method in (
        *RULES,
        arima.METHOD,
        reptile_backbones.DCRNN,
        reptile_backbones.GWN,
        dstagnn.METHOD,
        fogs.METHOD,
        adarnn.METHOD,
        stgfsl.METHOD,
        stgfsl.STGFSL_GWN,
        dastnet.METHOD,
        tpb.METHOD,
        transgtr.METHOD,
        gpd.METHOD,
        stgp.METHOD,
        TSJT,
        TSJT_GWN,
        ridge.METHOD,
        controls.TARGET_ONLY,
        controls.TARGET_ONLY_GWN,
        finetuned.METHOD,
        finetuned.FINETUNED_GWN,
        finetuned.ZERO_SHOT,
        finetuned.ZERO_SHOT_GWN,
        controls.JOINT,
        controls.JOINT_GWN,
        controls.IN_REPTILE,
        controls.IN_REPTILE_GWN,
        graph_ridge.METHOD,
        trees.ALONE,
        trees.POOLED,
        told_trees.METHOD,
        boosted_line.METHOD,
    )
}

BAR = Bar("mae", {"Last value": 1.0})
# Targets on which settings of methods that no paper printed are chosen.
CHOOSING = frozenset({"la", "aarhus"})

__all__ = [
    "BAR",
    "CHOOSING",
    "METHODS",
    "PROTOCOLS",
    "RULES",
    "TABLES",
    "Choices",
    "Forecaster",
    "Protocol",
    "Task",
    "data_hash",
    "day_sums",
    "fit",
    "forecast",
    "held_back",
    "load_model",
    "make_task",
    "open_task",
    "save",
    "score",
]
