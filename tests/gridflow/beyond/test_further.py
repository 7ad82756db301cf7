"""The task some hours further ahead: windows end earlier, and no other hour is read."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.beyond.further import further
from stflow_lib.gridflow.beyond.trees import visible_days


@pytest.fixture(scope="module")
def both(lender, receiver, twelve):
    """A source, and a target that shows hours 120 to 192."""
    return make_task(receiver, [lender], twelve)


@pytest.mark.parametrize("ahead", (1, 5, 24))
def test_windows_end_so_much_earlier_and_labels_stay(both, ahead):
    for now, then in zip(
        (both.target, *both.sources),
        (further(both, ahead).target, *further(both, ahead).sources),
        strict=True,
    ):
        steps = torch.tensor([200, 239])
        for way, step in zip(then.windows(steps), steps.tolist(), strict=True):
            last = step - ahead  # the newest hour that is known
            assert torch.equal(way, now.scaled[last - 5 : last + 1])
        assert torch.equal(then.only(1).labels(steps), now.only(1).labels(steps))
        assert torch.equal(then.only(1).windows(steps), then.windows(steps)[:, :, 1:])


def test_one_hour_ahead_is_the_task_itself(both):
    method = METHODS["Linear"]
    usual, same = (method.fit(t, method.settings(), 0) for t in (both, further(both, 1)))
    assert torch.equal(usual(both, both.test), same(further(both, 1), both.test))


def test_sources_have_whole_windows_only(both):
    (city,) = further(both, 24).sources
    assert city.train.tolist() == [t for t in both.sources[0].train.tolist() if t - 23 >= 6]


def changed(task, hours):
    """The task with other values in some hours of the target."""
    scaled = task.target.scaled.clone()
    scaled[hours] += 1
    return replace(task, target=replace(task.target, scaled=scaled))


def test_before_the_days_that_are_seen_nothing_is_read(both):
    """All inputs of the first label that is seen, one step ahead, begin at 114."""
    own, hidden = further(both, 24), changed(both, slice(0, 114))
    assert torch.equal(further(hidden, 24).target.scaled, own.target.scaled)
    assert torch.equal(own.target.scaled[114:], both.target.scaled[114:])


def test_what_stands_there_is_the_usual_hour_of_later_days(both):
    found, flow = further(both, 24).target.scaled, both.target.scaled
    for hour in (113, 97, 96, 3):
        slot = hour % 24  # day starts at 120, a multiple of 24
        assert torch.allclose(found[hour], (flow[144 + slot] + flow[168 + slot]) / 2)
    first = changed(both, visible_days(both)[0])  # its labels must not be among their inputs
    assert torch.equal(further(first, 24).target.scaled[:114], found[:114])


def test_without_a_day_nothing_is_put_in_place(lender, receiver, twelve):
    task = make_task(receiver, [lender], twelve, days=0)
    assert torch.equal(further(task, 24).target.scaled, task.target.scaled)
