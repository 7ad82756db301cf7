"""Squared errors in the first batches reach every network that learns by steps."""

import pytest
import torch

from stflow_lib.data import load
from stflow_lib.speedgraph import METHODS, Choices, make_task
from stflow_lib.speedgraph.plan import DETERMINISTIC, Plan

PLAN = Plan.of("smoke")
OWN = {"ST-GFSL(GWN)"}  # its own paper lowers squares throughout


@pytest.mark.parametrize("name", [n for n in PLAN.methods if n not in DETERMINISTIC])
def test_every_training_lowers_squares_where_they_are_asked_for(name):
    """A loss that took sizes from the first batch on would leave one method on the plateau of no
    change, alone."""

    def forecast(squares: int) -> torch.Tensor:
        choices = Choices(change=1, blocks=1, squares=squares)
        task = make_task(load("sim-speed-c"), [load("sim-speed-a")], choices=choices)
        fitted = METHODS[name].fit(task, PLAN.settings(name), 0, None)
        return fitted(task, task.test[:4])

    assert torch.equal(forecast(0), forecast(10**6)) == (name in OWN)
