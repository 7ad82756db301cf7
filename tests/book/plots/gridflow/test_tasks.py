"""Tasks that pages open and methods that they fit on the spot."""

import numpy as np
import torch

from stflow_lib.book.plots.gridflow import tasks
from stflow_lib.gridflow import METHODS

RULE = METHODS["Previous hour"]


def test_a_pair_has_its_sources_and_its_days():
    """A task that sees one day more than it says would make every scarce method look better."""
    pair = tasks.open_pair("sim-grid-a>sim-grid-c", "P60", 3)
    assert [city.name for city in pair.sources] == ["sim-grid-a"]
    assert len(pair.target.train) == 3 * pair.day
    alone = tasks.open_pair("sim-grid-c", "P60", "all")
    assert not alone.sources and len(alone.target.train) > len(pair.target.train)


def test_a_method_is_fitted_and_measured_with_its_own_settings():
    """The previous hour repeats the last map; its error is found with two lines of arrays."""
    task = tasks.open_pair("sim-grid-c", "P60", 3)
    predict = tasks.fitted(RULE, task)
    torch.testing.assert_close(predict(task, task.test), task.target.flow[task.test - 1])
    wrong = (task.target.flow[task.test - 1] - task.target.flow[task.test]).double() ** 2
    masks = task.target.mask
    by_hand = [wrong[:, d][:, masks[d]].mean() ** 0.5 for d in range(2)]
    assert np.isclose(tasks.measured_errors(RULE, task)["rmse"], np.mean(by_hand))
