"""Rules and the ridge against plain forms."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import METHODS, make_task
from stflow_lib.speedgraph.baselines.ridge import last_value, solved


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


def test_ridge_is_least_squares_without_shrinkage(make_speed):
    """numpy's solution on the windows written out; missing labels left out."""
    task = make_task(make_speed(nodes=3))
    city = task.target
    got = solved(city, city.train, 0.0)
    x = city.windows(city.train)[..., 0].double().numpy().reshape(-1, 12)
    x = np.column_stack([x, np.ones(len(x))])
    truth, seen = (part.numpy().reshape(-1, 6) for part in city.labels(city.train))
    for step in range(6):
        y = (truth[:, step].astype(float) - city.mean) / city.deviation
        rows = seen[:, step]
        want = np.linalg.lstsq(x[rows], y[rows], rcond=None)[0]
        np.testing.assert_allclose(got[:, step].numpy(), want, rtol=1e-6, atol=1e-8)


def test_strong_shrinkage_repeats_the_last_value(target):
    city = make_task(target).target
    torch.testing.assert_close(
        solved(city, city.train, 1e9), last_value(city), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("name", ["Ridge", "Time-of-day mean"])
def test_no_day_is_an_error(name, target):
    with pytest.raises(DataError, match="target: no day"):
        fitted(name, make_task(target, days=0))
