"""From a run's name to its task: M from the protocol, the fraction from the scarcity."""

from dataclasses import replace

import pytest

from stflow_lib.data import load
from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.problem.from_run import open_task
from stflow_lib.runs import Run

RUN = Run("finegrained", "MEAN", "sim-fine", "x4", "20", "smoke", 0)


@pytest.mark.parametrize("protocol, factor", [("x4", 4), ("x2", 2)])
@pytest.mark.parametrize("scarcity", ["20", "100"])
def test_a_name_is_a_task(protocol, factor, scarcity):
    """A protocol read as the fraction, or per cent read as a share, gives another task."""
    task = open_task(replace(RUN, protocol=protocol, scarcity=scarcity))
    want = make_task(load("sim-fine"), factor, float(scarcity))
    assert (task.city, task.factor) == ("sim-fine", factor)
    assert task.train.tolist() == want.train.tolist() and len(task.test) == len(want.test)
    assert task.data_hash == want.data_hash


def test_method_and_seed_change_nothing():
    """Rows of a table must stand on the same maps."""
    one, two = open_task(RUN), open_task(replace(RUN, method="UrbanSTC", seed=7))
    assert one.coarse.equal(two.coarse) and one.train.equal(two.train)
