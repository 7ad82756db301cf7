"""The mean of other days, against loops over the readings."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.beyond.other_days import (
    AROUND,
    OtherDays,
    days_that_teach,
    spans_of_days,
)
from stflow_lib.speedgraph.problem.task import Choices

DAY = 144


def naive(city, steps, row):
    """One sum for each sensor over the readings that may be told, one by one."""
    told = {t + k for t in steps.tolist() for k in range(-city.lags, city.ahead)}
    means = []
    for n in range(city.scaled.shape[1]):
        some = []
        for t in told:
            off = (t - row) % DAY
            near = min(off, DAY - off) <= AROUND
            if near and abs(t - row) > AROUND and city.seen[t, n]:
                some.append(city.scaled[t, n].item())
        means.append(sum(some) / len(some) if some else float("nan"))
    return torch.tensor(means, dtype=torch.double)


def test_it_is_the_mean_at_the_hour_over_other_days(task):
    """Also around midnight, on a day that has only a few readings, and after the visible time."""
    city = task.target
    days = OtherDays.of(city, city.train, DAY)
    begin, end = int(city.known[0]) - city.lags, int(city.known[-1]) + city.ahead
    rows = [
        begin + 10,
        begin + DAY + AROUND + 1,
        begin + 2 * DAY - AROUND - 1,
        end - 40,
        end + 70,
    ]
    found = days.usual(city, torch.tensor(rows))
    want = torch.stack([naive(city, city.train, row) for row in rows])
    assert torch.allclose(found, want, equal_nan=True) and found.isfinite().any()


def test_a_label_does_not_tell_of_itself(task):
    """Whatever is measured on a day, nothing of it is told to the same hour of that day."""
    city = task.target
    row = int(city.known[0]) + DAY
    wild = city.scaled.clone()
    wild[row - AROUND : row + AROUND + 1] = 1e6
    other = OtherDays.of(replace(city, scaled=wild), city.known, DAY)
    same = OtherDays.of(city, city.known, DAY)
    asked = torch.tensor([row])
    assert torch.equal(other.usual(city, asked), same.usual(city, asked))
    assert (other.usual(city, asked + DAY) > 100).any()


def test_of_no_step_nothing_is_known(task):
    city = task.target
    assert OtherDays.of(city, city.known[:0], DAY).usual(city, task.test[:3]).isnan().all()


@pytest.mark.parametrize("days, want", [(3, 2), (2, 1), (1, 0), (0.25, 0), (0, 0)])
def test_days_that_teach_are_counted_without_the_third_that_chooses(target, source, days, want):
    assert days_that_teach(make_task(target, [source], days=days).target, 10) == want


def test_blocks_leave_all_three_days_to_teach(target, source):
    task = make_task(target, [source], choices=Choices(blocks=1))
    assert days_that_teach(task.target, 10) == 3


@pytest.mark.parametrize("ahead, minutes", [(DAY - AROUND, 10), (6, 7), (1, 240)])
def test_no_day_is_told_where_it_could_be_the_windows_own(task, ahead, minutes):
    """Labels a day ahead, steps that do not divide a day, and steps as long as half of it."""
    city = replace(task.target, ahead=ahead)
    assert days_that_teach(city, minutes) == 0 < days_that_teach(task.target, 10)


def test_a_series_that_begins_later_keeps_its_days(make_speed, source):
    """What was learned of a city is asked about the same city cut at a later midnight."""
    whole = make_task(make_speed(days=8), [source]).target
    days = OtherDays.of(whole, whole.train, DAY)
    cut = replace(whole, time=whole.time[2 * DAY :])
    rows = torch.arange(2 * DAY + 5, 4 * DAY, 7)
    assert torch.equal(
        days.usual(cut, rows - 2 * DAY).nan_to_num(), days.usual(whole, rows).nan_to_num()
    )


def test_spans_have_so_many_days_of_what_teaches(task):
    """All inside the days that teach, the same again, and not all the same."""
    city = task.sources[0]
    some = list(spans_of_days(city, DAY, 2, 5))
    again = list(spans_of_days(city, DAY, 2, 5))
    assert [one.first for one in some] == [one.first for one in again]
    for one in some:
        assert one.sums.shape[1] <= 4  # lags and labels may reach into a day on either side
    assert len({one.first for one in some}) > 1
    assert all(
        one.usual(city, city.train[:5]).isnan().all() for one in spans_of_days(city, DAY, 0, 2)
    )
