"""The mean of other days, against loops over the readings."""

import pytest
import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.beyond.other_days import (
    AROUND,
    OtherDays,
    spans_of_days,
    whole_days,
)

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
    found = days.usual(torch.tensor(rows))
    want = torch.stack([naive(city, city.train, row) for row in rows])
    assert torch.allclose(found, want, equal_nan=True) and found.isfinite().any()


def test_a_label_does_not_tell_of_itself(task):
    """Whatever is measured on a day, nothing of it is told to the same hour of that day."""
    city = task.target
    row = int(city.known[0]) + DAY
    wild = city.scaled.clone()
    wild[row - AROUND : row + AROUND + 1] = 1e6
    other = OtherDays.of(type(city)(**vars(city) | {"scaled": wild}), city.known, DAY)
    same = OtherDays.of(city, city.known, DAY)
    asked = torch.tensor([row])
    assert torch.equal(other.usual(asked), same.usual(asked))
    assert (other.usual(asked + DAY) > 100).any()


def test_of_no_step_nothing_is_known(task):
    city = task.target
    assert OtherDays.of(city, city.known[:0], DAY).usual(task.test[:3]).isnan().all()


@pytest.mark.parametrize("days, want", [(3, 3), (1, 1), (0.25, 0), (0, 0)])
def test_whole_days_are_those_that_may_be_seen(target, source, days, want):
    assert whole_days(make_task(target, [source], days=days).target, DAY) == want


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
        one.usual(city.train[:5]).isnan().all() for one in spans_of_days(city, DAY, 0, 2)
    )
