"""Sums by day: pooled for each reported step, then their mean, they are the score."""

import json

import numpy as np
import pytest

from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import METHODS, day_sums, make_task, score


@pytest.mark.parametrize("name", ["Last value", "HA"])
def test_pooled_days_are_the_score(make_speed, name):
    """Readings are missing, and a whole sensor: counts differ from day to day and step to step."""
    city = make_speed(days=9, missing=0.3)
    city.speed.values[:, 2] = np.nan
    task = make_task(with_content_hash(city))
    rule = METHODS[name].fit(task, METHODS[name].settings(), 0, None)
    days = day_sums(task, rule, batch=7)
    want = score(task, rule)
    found = {}
    for layer in ("min10", "min30", "min60"):
        count, absolute, squared = np.sum([day[layer] for day in days.values()], 0)
        found |= {f"{layer}_mae": absolute / count, f"{layer}_rmse": (squared / count) ** 0.5}
    assert found == pytest.approx(want["parts"], rel=1e-13)
    for error in ("mae", "rmse"):
        mean = np.mean([v for k, v in found.items() if k.endswith(error)])
        assert mean == pytest.approx(want["metrics"][error], rel=1e-13)
    json.dumps(days)


def test_a_window_belongs_to_the_day_of_its_first_label(make_speed):
    """Inputs of two hours come first; the last window's labels end with the series."""
    task = make_task(make_speed(days=6, nodes=4, missing=0.0))
    days = day_sums(task, lambda t, steps: t.target.labels(steps)[0] + 3.0)
    assert list(days) == ["2024-01-04", "2024-01-05", "2024-01-06"]
    windows = [144 - task.protocol.lags, 144, 144 - task.protocol.ahead + 1]
    for day, count in zip(days.values(), windows, strict=True):
        n, absolute, squared = day["min60"]
        assert n == 4 * count
        assert (absolute, squared) == pytest.approx((3.0 * n, 9.0 * n), rel=1e-5)
