"""Sums by day: pooled again they are the score."""

import json

import numpy as np
import pytest

from stflow_lib.finegrained import METHODS, day_sums, make_task, score


@pytest.mark.parametrize("directions", [("entries",), ("inflow", "outflow")])
@pytest.mark.parametrize("name", ["MEAN", "HA"])
def test_pooled_days_are_the_score(make_city, directions, name):
    """The two directions of a time step fall into one day and one pool."""
    task = make_task(make_city(steps=300, directions=directions), 2)
    rule = METHODS[name].fit(task, METHODS[name].settings(), 0, None)
    days = day_sums(task, rule, batch=7)
    assert list(days) == ["2008-06-02", "2008-06-03", "2008-06-04", "2008-06-05"]
    count, absolute, squared = np.sum([day["all"] for day in days.values()], 0)
    want = score(task, rule)["metrics"]
    assert absolute / count == pytest.approx(want["mae"], rel=1e-13)
    assert (squared / count) ** 0.5 == pytest.approx(want["rmse"], rel=1e-13)
    assert [d["all"][0] for d in days.values()] == [
        hours * len(directions) * 128 for hours in (15, 24, 24, 12)
    ]
    json.dumps(days)
