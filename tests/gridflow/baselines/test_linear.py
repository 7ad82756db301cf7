"""The linear rule: closed form against least squares written out, shrinkage, transfer."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task, open_task, score
from stflow_lib.gridflow.baselines.linear import (
    METHOD,
    LinearSettings,
    Rule,
    fit_rule,
    last_value,
    moments,
)
from stflow_lib.training.method import NoSettings

ONE = LinearSettings(by_hour=False, strengths=(1e-12,))


def rows(task, city, steps):
    """(window, constant), label and hour of every step and valid cell, one after the other."""
    for t in steps.tolist():
        for cell in city.cells().tolist():
            r, c = divmod(cell, city.flow.shape[3])
            window = [city.scaled[t - back, 0, r, c].item() for back in range(6, 0, -1)]
            yield [*window, 1.0], city.scaled[t, 0, r, c].item(), t % 24


def test_weak_shrinkage_is_least_squares(receiver, twelve):
    """A wrong cell order, lag order or label shift changes the solution."""
    task = make_task(receiver, (), twelve).only(1)
    task = replace(task, target=replace(task.target, valid=task.target.train))
    table = [*rows(task, task.target, task.target.train)]
    x, y = np.array([r[0] for r in table]), np.array([r[1] for r in table])
    want = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(fit_rule(task, ONE).weights[0], want, atol=1e-6)


def test_each_hour_has_least_squares_of_its_own(receiver, twelve):
    """Hours by the clock; mixing two hours up would show here only."""
    task = make_task(receiver, (), twelve, days=6).only(0)
    task = replace(task, target=replace(task.target, valid=task.target.train))
    got = fit_rule(task, LinearSettings(strengths=(1e-12,))).weights
    for hour in (0, 17):
        table = [r for r in rows(task, task.target, task.target.train) if r[2] == hour]
        x, y = np.array([r[0] for r in table]), np.array([r[1] for r in table])
        np.testing.assert_allclose(got[hour], np.linalg.lstsq(x, y, rcond=None)[0], atol=1e-5)


def test_ridge_stops_where_its_gradient_is_zero(receiver, twelve):
    """x^T (y - x w) = lambda (w - prior): the prior is the last value, not 0."""
    task = make_task(receiver, (), twelve).only(0)
    task = replace(task, target=replace(task.target, valid=task.target.train))
    prior = Rule(last_value(1, task.target))
    got = fit_rule(task, LinearSettings(by_hour=False, strengths=(0.3,)))
    gram, moment = moments(prior, [task.target])
    _, left = moments(got, [task.target])
    pull = 0.3 * gram[0].diagonal().mean() * (got.weights - prior.weights)
    torch.testing.assert_close(left, pull, rtol=1e-6, atol=1e-9)
    assert moment.norm() > left.norm() > 0


def test_a_rule_that_does_not_validate_is_not_used(receiver, twelve):
    """Three days of noise must not replace the last value by something worse."""
    changed = receiver.copy(deep=True)
    changed.flow.values[120:186] = np.random.default_rng(1).poisson(20, (66, 2, 3, 4))
    changed.flow.values[186:240] = 30.0  # where the last value makes no error at all
    predictor = METHOD.fit(make_task(changed, (), twelve), LinearSettings(), 0, None)
    task = make_task(changed, (), twelve)
    last = METHODS["Previous hour"].fit(task, NoSettings(), 0, None)
    assert predictor.notes == {w: {"target": float("inf")} for w in ("pickup", "dropoff")}
    mask = task.target.mask
    guess = predictor(task, task.test)[:, mask]
    torch.testing.assert_close(guess, last(task, task.test)[:, mask], rtol=1e-4, atol=1e-3)


def test_zero_shot_is_the_rule_of_the_source(receiver, lender, twelve):
    """In the target's scale; its own hours do not enter."""
    task = make_task(receiver, [lender], twelve, days=0).only(0)
    alone = make_task(lender, (), twelve).only(0)
    alone = replace(alone, target=task.sources[0])
    want = fit_rule(alone, LinearSettings()).weights
    torch.testing.assert_close(fit_rule(task, LinearSettings()).weights, want)
    predictor = METHOD.fit(
        make_task(receiver, [lender], twelve, days=0), LinearSettings(), 0, None
    )
    assert set(predictor.notes["pickup"]) == {"source"}
    assert predictor.parameters == 2 * 24 * 7


def test_few_shot_starts_from_the_source(receiver, lender, twelve):
    """Held so firmly that it cannot move, it is the source's rule again."""
    zero, few = (make_task(receiver, [lender], twelve, days=d).only(0) for d in (0, 3))
    assert set(fit_rule(few, LinearSettings()).strengths) == {"source", "target"}
    firm = replace(few, target=replace(few.target, train=few.target.train[:0]))
    torch.testing.assert_close(
        fit_rule(firm, LinearSettings()).weights, fit_rule(zero, LinearSettings()).weights
    )


def test_two_sources_are_one_pool(receiver, lender, make_grid, twelve):
    other = make_grid("other", seed=5)
    both = make_task(receiver, [lender, other], twelve, days=0).only(0)
    prior = Rule(last_value(24, both.target))
    parts = [moments(prior, [city])[0] for city in both.sources]
    torch.testing.assert_close(moments(prior, both.sources)[0], parts[0] + parts[1])


def test_test_hours_reach_nothing(receiver, lender, twelve):
    changed = receiver.copy(deep=True)
    changed.flow.values[240:] += 9
    tasks = [make_task(city, [lender], twelve) for city in (receiver, changed)]
    one, two = (fit_rule(task.only(0), LinearSettings()).weights for task in tasks)
    assert torch.equal(one, two)


def test_nothing_to_learn_from_is_an_error(receiver, twelve):
    with pytest.raises(DataError, match="receiver: no source and no training day"):
        METHOD.fit(make_task(receiver, (), twelve, days=0), LinearSettings(), 0, None)


def test_measured_errors_of_washington_taxis(real_data):
    """Few-shot from New York, under every rule; the numbers are this code's own."""
    run = SimpleNamespace(city="jonas-nyc-taxi>jonas-dc-taxi", protocol="P90", scarcity="3")
    task = open_task(run)
    metrics = score(task, METHOD.fit(task, LinearSettings(), 0, None))["metrics"]
    assert metrics == pytest.approx({"rmse": 5.806, "mae": 3.039}, abs=0.02)
