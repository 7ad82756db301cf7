"""Rules against plain forms."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import METHODS, make_task
from stflow_lib.speedgraph.baselines.rules import mean_by_slot


def fitted(name, task):
    method = METHODS[name]
    return method.fit(task, method.settings(), 0, None)


def test_last_value_and_window_mean(target):
    """The newest reading, carried over gaps; the mean of twelve; both for all steps ahead."""
    task = make_task(target)
    city, steps = task.target, task.test[:4]
    unit = city.unscale(city.scaled)
    for name, width in (("Last value", 1), ("HA", 12)):
        guess = fitted(name, task)(task, steps)
        assert guess.shape == (4, 5, 6)
        for b, t in enumerate(steps.tolist()):
            want = unit[t - width : t].mean(0)
            torch.testing.assert_close(guess[b], want[:, None].expand(-1, 6))


def test_time_of_day_by_hand(target):
    """The mean of three readings ten minutes past midnight, of those that were seen."""
    task = make_task(target)
    guess = fitted("Time-of-day mean", task)
    speed = target.speed.values[: 3 * 144].reshape(3, 144, 5)
    at = 4 * 144 + 1
    want = np.nanmean(speed[:, 1], 0)
    seen = np.isfinite(speed[:, 1]).any(0)
    got = guess(task, torch.tensor([at]))[0, :, 0].numpy()
    np.testing.assert_allclose(got[seen], want[seen], rtol=1e-5)


def test_no_day_is_an_error(target):
    with pytest.raises(DataError, match="target: no day"):
        fitted("Time-of-day mean", make_task(target, days=0))


def test_a_slot_never_seen_takes_the_sensors_mean():
    """A division by no reading would be NaN; a sensor never seen takes the city's mean, 0."""
    scaled = torch.tensor([[1.0, 5.0], [3.0, 5.0], [7.0, 5.0]])
    seen = torch.tensor([[True, False], [True, False], [False, False]])
    got = mean_by_slot(scaled, seen, torch.tensor([0, 0, 1]), 2)
    assert got.tolist() == [[2.0, 0.0], [2.0, 0.0]]
