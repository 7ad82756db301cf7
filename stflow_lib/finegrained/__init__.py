"""UrbanSTC's problem: infer a fine flow map from a coarse one."""

from functools import partial

from stflow_lib.finegrained import (
    deepsd,
    dirichlet,
    endtoend,
    espcn,
    fode,
    imdn,
    lapsrn,
    scn,
    sharenet,
    srcnn,
    srresnet,
    urbanfm,
    urbanpy,
    urbanstc,
    vdsr,
)
from stflow_lib.finegrained.rules import HA, MEAN
from stflow_lib.finegrained.tables import TABLES
from stflow_lib.finegrained.task import Task, make_task, open_task, score
from stflow_lib.fit import Method


def with_factors(method: Method) -> Method:
    """The method seeing weather and calendar too: UrbanFM+E."""
    return Method(method.name + "+E", partial(method.settings, external=True), method.fit)


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
        urbanstc.METHOD,
        with_factors(urbanfm.METHOD),
        with_factors(urbanpy.METHOD),
        with_factors(fode.METHOD),
        with_factors(urbanstc.METHOD),
        endtoend.METHOD,
        urbanstc.LOG,
        dirichlet.METHOD,
        sharenet.METHOD,
    )
}

__all__ = ["METHODS", "TABLES", "Task", "make_task", "open_task", "score"]
