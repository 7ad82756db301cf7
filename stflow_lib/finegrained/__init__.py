"""UrbanSTC's problem: infer a fine flow map from a coarse one."""

from dataclasses import replace
from functools import partial

from stflow_lib.finegrained.apply.infer import Refiner, fit, infer, load_model
from stflow_lib.finegrained.baselines import (
    deepsd,
    espcn,
    fode,
    imdn,
    lapsrn,
    scn,
    srcnn,
    srresnet,
    urbanfm,
    urbanpy,
    vdsr,
)
from stflow_lib.finegrained.baselines.rules import HA, MEAN
from stflow_lib.finegrained.beyond import dirichlet, multinomial, sharenet, trees
from stflow_lib.finegrained.problem.day_sums import day_sums
from stflow_lib.finegrained.problem.from_run import open_task
from stflow_lib.finegrained.problem.scoring import score
from stflow_lib.finegrained.problem.task import Task, make_task
from stflow_lib.finegrained.tables import TABLES
from stflow_lib.finegrained.urbanstc import end_to_end
from stflow_lib.finegrained.urbanstc.method import LOG_LOSS
from stflow_lib.finegrained.urbanstc.method import METHOD as URBANSTC
from stflow_lib.runs.failure import Bar
from stflow_lib.training.calibrated import save
from stflow_lib.training.method import Method


def with_factors(method: Method) -> Method:
    """The method seeing weather and calendar too: UrbanFM+E."""
    settings = partial(method.settings, external=True)
    return replace(method, name=method.name + "+E", settings=settings)


METHODS = {  # in the paper's order, then its variants
    method.name: method
    for method in (
        MEAN,
        HA,
        srcnn.METHOD,
        espcn.METHOD,
        deepsd.METHOD,
        vdsr.METHOD,
        srresnet.METHOD,
        lapsrn.METHOD,
        imdn.METHOD,
        scn.METHOD,
        urbanfm.METHOD,
        urbanpy.METHOD,
        fode.METHOD,
        URBANSTC,
        with_factors(urbanfm.METHOD),
        with_factors(urbanpy.METHOD),
        with_factors(fode.METHOD),
        with_factors(URBANSTC),
        end_to_end.METHOD,
        LOG_LOSS,
        dirichlet.METHOD,
        sharenet.METHOD,
        multinomial.METHOD,
        trees.METHOD,
    )
}

BAR = Bar("rmse", {"MEAN": 0.5, "HA": 0.5})  # half of what HA gains over MEAN
# Targets on which settings of methods that no paper printed are chosen.
CHOOSING = frozenset({"taxi-sf-64", "bikenyc-p6"})

__all__ = [
    "BAR",
    "CHOOSING",
    "METHODS",
    "TABLES",
    "Refiner",
    "Task",
    "day_sums",
    "fit",
    "infer",
    "load_model",
    "make_task",
    "open_task",
    "save",
    "score",
]
