"""ARIMA for each sensor: known coefficients come back, plain forms agree, later days count not."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.arima import (
    METHOD,
    ARIMASettings,
    fit,
    forecast,
    hannan_rissanen,
    last_value,
    refined,
    stable,
)

TRUE = np.array([[0.3, 0.5, 0.2, -0.1, 0.6], [0.0, 0.2, 0.3, -0.6, 0.5]])


def drawn(steps, seed=0):
    """Series of the two models above."""
    random = np.random.default_rng(seed)
    c, phi, theta = TRUE[:, 0], TRUE[:, 1:4], TRUE[:, 4]
    e, y = random.normal(0, 1, (steps, 2)), np.zeros((steps, 2))
    for t in range(3, steps):
        y[t] = c + (phi * y[t - 3 : t][::-1].T).sum(1) + e[t] + theta * e[t - 1]
    return torch.from_numpy(y[50:])


def test_known_coefficients_come_back():
    """Constant, lags newest first and moving average, each in its place."""
    y = drawn(3_000)
    seen = torch.ones_like(y, dtype=torch.bool)
    start = hannan_rissanen(y, seen, ARIMASettings())
    model = refined(y, seen, start, 2)
    np.testing.assert_allclose(model.numpy(), TRUE, atol=0.15)
    assert stable(model).all()


def naive_shocks(values, y, seen):
    """The definition, one sensor, one step at a time."""
    found = []
    for t in range(3, len(y)):
        before = found[-1] if found else 0.0
        past = values[0] + sum(values[k] * y[t - k] for k in (1, 2, 3))
        found.append((y[t] - past - values[4] * before) if seen[t] else 0.0)
    return np.array(found)


def test_conditional_least_squares_with_gaps():
    """The minimum that a general solver finds; unmeasured steps have no shock."""
    y = drawn(300, 1)
    seen = torch.rand(y.shape, generator=torch.Generator().manual_seed(0)) > 0.1
    model = refined(y, seen, hannan_rissanen(y, seen, ARIMASettings()), 30)
    for n in range(2):
        want = least_squares(
            naive_shocks, TRUE[n], args=(y[:, n].numpy(), seen[:, n].numpy()), xtol=1e-12
        ).x
        np.testing.assert_allclose(model[n].numpy(), want, atol=1e-4)


def test_forecasts_by_hand():
    """Shocks of the window once, then none; lag 1 is the newest step."""
    x = torch.tensor([1.0, 2, 4, 7, 11]).double().view(1, 1, 5)
    model = torch.tensor([[0.5, 0.6, 0.3, 0.1, 0.2]]).double()
    e3 = 7 - (0.5 + 0.6 * 4 + 0.3 * 2 + 0.1 * 1)
    e4 = 11 - (0.5 + 0.6 * 7 + 0.3 * 4 + 0.1 * 2) - 0.2 * e3
    one = 0.5 + 0.6 * 11 + 0.3 * 7 + 0.1 * 4 + 0.2 * e4
    two = 0.5 + 0.6 * one + 0.3 * 11 + 0.1 * 7
    torch.testing.assert_close(
        forecast(x, model, 2).flatten(), torch.tensor([one, two]).double()
    )


def test_a_root_on_the_circle_is_not_stable():
    model = torch.tensor([[0, 1.0, 0, 0, 0], [0, 0.99, 0, 0, 0], [0, 0, 0, -1.1, 0]])
    assert stable(model).tolist() == [False, True, False]
    assert last_value(model)[:, 1].tolist() == [1, 1, 1]


def test_a_silent_sensor_repeats_its_last_value(make_speed):
    """No change in the visible days: nothing to fit, and no NaN."""
    city = make_speed(missing=0.0)
    city.speed.values[: 3 * 144, 1] = 40
    task = make_task(with_content_hash(city))
    guess = METHOD.fit(task, ARIMASettings(), 0, None)
    got = guess(task, task.test[300:303])
    want = task.target.unscale(task.target.windows(task.test[300:303])[:, 1, -1, 0])
    torch.testing.assert_close(got[:, 1], want[:, None].expand(-1, 6))
    assert guess.notes["last_value_sensors"] == 1 and torch.isfinite(got).all()


def test_later_readings_reach_nothing(target):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    one, two = (make_task(city) for city in (target, with_content_hash(other)))
    made = [fit(t, ARIMASettings(), 0, None)(one, one.test[:9]) for t in (one, two)]
    assert torch.equal(*made)


@pytest.mark.parametrize("days", [3, 0.25])
def test_few_days_still_forecast(days, target):
    task = make_task(target, days=days)
    got = fit(task, ARIMASettings(), 0, None)(task, task.test[:50])
    assert got.shape == (50, 5, 6) and torch.isfinite(got).all()


def test_no_day_is_an_error(target):
    with pytest.raises(DataError, match="target: no day"):
        fit(make_task(target, days=0), ARIMASettings(), 0, None)
