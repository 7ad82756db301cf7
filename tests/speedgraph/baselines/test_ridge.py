"""The ridge against plain least squares."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.ridge import (
    METHOD,
    RidgeSettings,
    error,
    last_value,
    solved,
)


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


def test_the_strength_with_the_least_error_on_the_last_day(task):
    """Choosing on the days it was fitted on would always take the weakest."""
    city, settings = task.target, RidgeSettings((1e-4, 1.0, 1e4))
    errors = {
        s: error(city, solved(city, city.train, s), city.valid) for s in settings.strengths
    }
    fitted = METHOD.fit(task, settings, 0, None)
    assert fitted.notes["strength"] == min(errors, key=errors.get)
    assert fitted(task, task.test[:3]).shape == (3, 5, 6)


def test_no_day_is_an_error(target):
    with pytest.raises(DataError, match="target: no day"):
        METHOD.fit(make_task(target, days=0), RidgeSettings(), 0, None)
