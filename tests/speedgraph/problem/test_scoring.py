"""Scores by hand; what was not measured counts nowhere."""

import numpy as np
import pytest
import torch

from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task, score


def test_a_silent_sensor_is_kept_and_not_scored(make_speed):
    """Its inputs are the city's mean; its labels count nowhere."""
    city = make_speed(missing=0.0)
    city.speed.values[:, 2] = np.nan
    task = make_task(with_content_hash(city))
    assert not task.target.scaled[:, 2].any() and not task.target.seen[:, 2].any()

    def wrong(task, steps):
        guess = task.target.labels(steps)[0].clone()
        guess[:, 2] = 1e6
        return guess

    assert score(task, wrong)["metrics"] == {"mae": 0.0, "rmse": 0.0}


def test_score_by_hand(target):
    """One mile per hour at one step, three at another; the average is of the three reported."""
    task = make_task(target)
    off = torch.tensor([1.0, 50, 2, 50, 50, 3])
    got = score(task, lambda t, s: t.target.labels(s)[0] + off, batch=7)
    assert got["parts"]["min10_mae"] == pytest.approx(1)
    assert got["parts"]["min60_rmse"] == pytest.approx(3)
    assert got["metrics"]["mae"] == pytest.approx(2)
    with pytest.raises(ValueError, match="not finite"):
        score(task, lambda t, s: t.target.labels(s)[0] / 0)
