"""One grid of steps: known means and lines, days from midnight to midnight."""

import numpy as np

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.problem.resampling import resample


def test_five_minutes_become_ten(make_speed):
    """The mean of the readings seen; missing only where both are."""
    city = make_speed(days=4, nodes=2, minutes=5, missing=0.4)
    speed, time = resample(city, 10)
    pairs = city.speed.values.reshape(-1, 2, 2)
    with np.testing.suppress_warnings() as quiet:
        quiet.filter(RuntimeWarning)
        np.testing.assert_allclose(speed, np.nanmean(pairs, 1), rtol=1e-6)
    assert np.isnan(speed).any() and (np.diff(time) == np.timedelta64(10, "m")).all()


def test_ten_minutes_become_five(make_speed):
    """Points between are halfway, and missing beside a gap; the end has none after it."""
    city = make_speed(days=4, nodes=2, missing=0.1)
    speed, time = resample(city, 5)
    own = city.speed.values
    np.testing.assert_allclose(speed[::2], own, rtol=1e-6)
    np.testing.assert_allclose(speed[1:-1:2], (own[:-1] + own[1:]) / 2, rtol=1e-6)
    assert np.isnan(speed[-1]).all() and len(time) == 2 * len(own)


def test_days_begin_at_midnight(make_speed):
    """A series from noon on loses its first half day."""
    city = make_speed(days=5, start="2024-01-01 12:00")
    task = make_task(city)
    assert str(task.target.time[0]) == "2024-01-02T00:00" and task.target.clock[0] == 0
    assert len(task.target.speed) == 4 * 144
    np.testing.assert_array_equal(
        task.target.speed.numpy(), np.nan_to_num(city.speed.values[72 : 72 + 4 * 144])
    )
