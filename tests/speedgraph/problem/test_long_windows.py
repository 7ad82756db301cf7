"""Windows of whole days: only the past, inside what may be seen, with the hour of the week."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.networks.patch_encoder import (
    patchify,
)
from stflow_lib.speedgraph.problem.long_windows import (
    WEEK,
    as_short_predictor,
    visible_window,
    with_long_windows,
)
from stflow_lib.training.method import Predictor


def test_long_windows_lie_inside_what_may_be_seen(target, source):
    """A day before the labels, from the first visible step on; the parts stay apart."""
    task = make_task(target, [source])
    long = with_long_windows(task, 1)
    for city, last in ((long.target, 3 * 144), (long.sources[0], 8 * 144)):
        assert city.lags == 144 and int(city.known[0]) == 144
        assert int(city.known[-1]) + city.ahead == last
    assert torch.equal(long.target.valid, task.target.valid)
    assert torch.equal(long.target.train, task.target.train[task.target.train >= 144])
    x = long.target.windows(task.test[:2])
    assert torch.equal(x[:, :, -12:, 0], task.target.windows(task.test[:2])[..., 0])


def test_fewer_days_reach_back_to_their_first(target):
    task = with_long_windows(make_task(target, days=2), 1)
    assert int(task.target.known[0]) == 2 * 144
    assert len(task.target.train) and int(task.target.train[0]) == 2 * 144


def test_days_too_short_for_a_window(target, source, make_speed):
    """Named before training; none at all is another matter, for then nothing is learned there."""
    with pytest.raises(DataError, match="target: 1 days hold no window with 1 days before it"):
        with_long_windows(make_task(target, days=1), 1)
    with pytest.raises(DataError, match="source: no window with 8 days"):
        with_long_windows(make_task(target, [source], days=0), 8)
    assert not len(with_long_windows(make_task(target, [source], days=0), 1).target.known)


def test_hours_of_the_week(make_speed):
    """2024-01-03 is a Wednesday: its midnight is hour 48; a patch has the hour it begins in."""
    task = with_long_windows(make_task(make_speed(days=9, start="2024-01-03")), 1)
    x = task.target.windows(torch.tensor([144 + 3, 6 * 144]))
    hours, when = patchify(x, 6)
    assert hours.shape == (2 * 5, 24, 6)
    assert when[0].tolist() == [48 + k for k in range(24)]
    assert when[5].tolist() == [(48 + 5 * 24 + k) % WEEK for k in range(24)]
    assert torch.equal(hours[0, 0], x[0, 0, :6, 0]) and torch.equal(
        hours[1, 2], x[0, 1, 12:18, 0]
    )


def test_visible_days_end_where_the_test_part_begins(target):
    """The last of the three, label steps included; more than there are is an error."""
    task = make_task(target)
    for days in (3, 1):
        want = task.target.scaled[(3 - days) * 144 : 3 * 144].T
        assert torch.equal(visible_window(task, days)[0, ..., 0], want)
    with pytest.raises(DataError, match="target: 1 days may be seen, 2 are read"):
        visible_window(make_task(target, days=1), 2)


def test_a_predictor_of_long_windows_takes_the_task(target):
    """And what comes after a window's labels does not reach it."""
    own = Predictor(lambda task, steps: task.target.windows(steps)[..., 0].mean(2))
    task = make_task(target)
    got = as_short_predictor(own, 1)(task, task.test[:3])
    steps = task.test[:3]
    want = torch.stack([task.target.scaled[t - 144 : t].mean(0) for t in steps.tolist()])
    torch.testing.assert_close(got, want)
    other = target.copy(deep=True)
    other.speed.values[int(steps[-1]) :] += 30
    assert torch.equal(
        as_short_predictor(own, 1)(make_task(with_content_hash(other)), steps), got
    )
    assert replace(own).parameters == 0
