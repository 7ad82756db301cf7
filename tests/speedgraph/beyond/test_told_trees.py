"""Trees that are told of other days and have no line before them."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import METHODS, make_task
from stflow_lib.speedgraph.beyond import boosted_line, trees
from stflow_lib.speedgraph.beyond.left_over import Left
from stflow_lib.speedgraph.beyond.line import no_change
from stflow_lib.speedgraph.beyond.other_days import OtherDays
from stflow_lib.speedgraph.beyond.told_trees import METHOD, Settings, fit
from stflow_lib.training.trees import Booster

SMALL = Settings(
    boosted_line.BOOSTER(trees=10, patience=3, leaves=4, smallest=20), spans=2, windows=10
)


def test_it_adds_the_mean_of_its_trees_to_the_last_value(task):
    """The line is none: what the trees read of it is nought, and nothing else is added."""
    found, city, steps = fit(task, SMALL, 0, None), task.target, task.test[:3]
    assert not found.learned["line"].any() and found.notes["counts"] == float("inf")
    days = OtherDays.of(city, city.known, 144)
    part = trees.Part(city, steps, trees.sensor_level(city, city.known))
    x = Left(part, no_change(city), days).readings()
    assert not x[:, -city.ahead :].any() and x[:, -city.ahead - 7 : -city.ahead].any()
    change = [np.mean([Booster.stored(one)(x) for one in some], 0)
              for some in found.learned["boosters"]]  # fmt: skip
    change = torch.from_numpy(np.stack(change, 1)).view(3, -1, city.ahead)
    last = city.scaled[steps - 1][..., None]
    assert torch.allclose(found(task, steps), city.unscale(change + last).float())
    assert {len(some) for some in found.learned["boosters"]} == {2}


def test_it_needs_a_source_and_a_day(target, source):
    with pytest.raises(DataError, match="no source city"):
        fit(make_task(target), SMALL, 0, None)
    with pytest.raises(DataError, match=r"Trees\(told\) needs some"):
        fit(make_task(target, [source], days=0), SMALL, 0, None)
    assert METHODS["Trees(told)"] is METHOD
