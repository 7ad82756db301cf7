"""Rows of trees: what they read of windows, and what a line leaves over in them."""

import numpy as np
import pytest
import torch

from stflow_lib.speedgraph.beyond import trees
from stflow_lib.speedgraph.beyond.left_over import Left, Table, joined
from stflow_lib.speedgraph.beyond.line import LineSettings, lent_line
from stflow_lib.speedgraph.beyond.other_days import OtherDays


@pytest.fixture(scope="module")
def left(task):
    line = lent_line(task.sources, LineSettings(windows=40))
    city = task.target
    part = trees.Part(city, city.train[:60], torch.zeros(5))
    return Left(part, line, OtherDays.of(city, city.train, 144))


def test_rows_are_what_the_line_leaves_over(task, left):
    """Of every row drawn whose label was measured; neighbours in a table keep their order."""
    city, line = task.target, left.line(task.target, left.part.steps)
    rows = Table([left, left], 10**6).measured(4)
    wanted = {}
    for b, t in enumerate(left.part.steps.tolist()):
        for n in range(5):
            if city.seen[t + 4, n]:
                now = (city.speed[t + 4, n].double() - city.mean) / city.deviation
                off = now - city.scaled[t - 1, n] - line[b, n, 4]
                wanted[round(line[b, n, 4].item(), 9)] = off.item()
    assert len(rows.y) == 2 * len(wanted)
    for x, y in zip(rows.x, rows.y, strict=True):
        assert y == pytest.approx(wanted[round(x[-2], 9)], abs=1e-5)
    few = Table([left], 7)
    assert len(few.x) == 7 and len(joined([few, few], 0).y) == 2 * len(few.measured(0).y) <= 14


def test_trees_are_told_the_other_days_of_now_and_of_each_label(task, left):
    """Between what `Trees` reads and the line, minus the last input."""
    city, steps = task.target, left.part.steps
    x = left.readings().reshape(60, 5, -1)
    b, n = 7, 2
    asked = torch.arange(-1, city.ahead) + steps[b]
    want = left.days.usual(city, asked)[:, n] - city.scaled[steps[b] - 1, n]
    assert np.allclose(x[b, n, -2 * city.ahead - 1 : -city.ahead], want, equal_nan=True)
    assert x.shape[2] == left.part.features().shape[1] + 2 * city.ahead + 1


def test_other_windows_are_told_the_same(task, left):
    """Only the windows change, so levels, line and days still come from what taught."""
    other = left.at(task.test[:3])
    assert torch.equal(other.part.steps, task.test[:3]) and other.line is left.line
    assert other.days is left.days and other.part.level is left.part.level
    assert len(other.readings()) == 15
