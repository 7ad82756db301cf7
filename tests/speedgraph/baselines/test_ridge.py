"""The ridge against plain least squares."""

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines import ridge
from stflow_lib.speedgraph.baselines.ridge import (
    METHOD,
    RidgeSettings,
    design,
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


def test_the_last_day_chooses_and_all_days_are_fitted(task, monkeypatch):
    """Choosing on the days it was fitted on would always take the weakest shrinkage."""
    looked, city, steps = [], task.target, task.test[:3]
    told = lambda *given: looked.append(given) or (1.0, 1 / len(looked))
    monkeypatch.setattr(ridge, "errors", told)
    fitted = ridge.fit(task, RidgeSettings((1e-4, 1.0)), 0, None)
    for (where, weights, seen), strength in zip(looked, (1e-4, 1.0), strict=True):
        assert where is city and torch.equal(seen, city.valid)
        assert torch.equal(weights, solved(city, city.train, strength))
    assert fitted.notes["strength"] == 1.0  # the one with the least error
    want = city.unscale(design(city, steps) @ solved(city, city.known, 1.0)).float()
    assert torch.equal(fitted(task, steps), want)


def test_both_errors_choose(task, monkeypatch):
    """One percent less of one and two percent more of the other is no gain, whichever it is."""
    for name, first, second in (("MAE", (1.0, 1.0), (0.99, 1.02)),
                                ("RMSE", (1.0, 1.0), (1.02, 0.99))):  # fmt: skip
        answers = iter((first, second))
        monkeypatch.setattr(ridge, "errors", lambda *_, answers=answers: next(answers))
        assert ridge.chosen(task.target, RidgeSettings((1e-4, 1.0)))[1] == 1e-4, name


def test_errors_are_of_what_was_measured(task):
    """The last value's absolute and squared error, gaps left out, in deviations."""
    city, steps = task.target, task.target.valid[:20]
    truth, seen = city.labels(steps)
    newest = city.unscale(city.windows(steps)[:, :, -1:, 0])
    off = (newest - truth)[seen].double() / city.deviation
    want = (off.abs().mean().item(), off.square().mean().sqrt().item())
    assert ridge.errors(city, last_value(city), steps) == pytest.approx(want, rel=1e-5)


def test_no_day_is_an_error(target):
    with pytest.raises(DataError, match="target: no day"):
        METHOD.fit(make_task(target, days=0), RidgeSettings(), 0, None)
