"""Days that graphs are made of: the last whole ones that may be seen."""

import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.problem.visible_days import mean_day, visible_days


def test_days_that_may_be_seen(target, source, task):
    """All three of the target, the last two of a source; a part of a day is one short day."""
    assert visible_days(task.target, 144).shape == (3, 144, 5)
    assert visible_days(task.sources[0], 144, 2).shape == (2, 144, 7)
    short = make_task(target, [source], days=0.5)
    assert mean_day(short.target, 144).shape == (72, 5)


def test_they_end_with_the_last_label_that_may_be_seen(task):
    """A day off by one step, or one of the test part, would move every graph made of it."""
    speed = task.target.unscale(task.target.scaled)
    got = visible_days(task.target, 144, 1)[0]
    assert torch.equal(got, speed[2 * 144 : 3 * 144])
    torch.testing.assert_close(
        mean_day(task.target, 144), sum(speed[k * 144 : (k + 1) * 144] for k in range(3)) / 3
    )
