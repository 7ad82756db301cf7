"""Which methods forecast speeds when nobody says which, and what they weigh."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph.apply import choice
from stflow_lib.speedgraph.apply.choice import (
    ALONE,
    POOLED,
    SIMPLE,
    errors_of,
    fitted,
    names_of,
    weighed,
)
from stflow_lib.speedgraph.apply.series import Series
from stflow_lib.speedgraph.problem.held_back import untaught


@pytest.fixture(scope="module")
def task(make_speed):
    city = make_speed(days=4)
    city.speed[100:120, 1] = torch.nan
    series = Series.of(city, 60)
    return series.task([], series.end)


def test_trees_are_mixed_with_simple_ones_and_a_named_method_is_alone():
    assert names_of(None, lent=False) == (ALONE, *SIMPLE)
    assert names_of(None, lent=True) == (POOLED, *SIMPLE)
    assert names_of("HA", lent=True) == ("HA",)


def test_errors_are_those_of_measured_speeds(task):
    """Of the last value by hand, a missing one left out."""
    steps = torch.arange(80, 130)
    found = errors_of(fitted("Last value", task, 0), task, steps)
    truth, seen = task.target.labels(steps)
    filled = task.target.unscale(task.target.scaled)
    want = (filled[steps - 1][..., None] - truth)[seen]
    assert len(found) < truth.numel() and torch.allclose(found, want, atol=1e-4)


def test_a_mixture_is_no_worse_than_its_parts_where_it_was_weighed(task):
    """By the errors of methods that the windows which weigh have not taught."""
    names = ("Last value", "HA", "Ridge")
    shares = torch.tensor(weighed(names, task, 0))
    found = [fitted(name, untaught(task), 0) for name in names]
    errors = torch.stack([errors_of(one, task, task.target.valid) for one in found])
    size = errors.square().mean(1)
    assert (shares @ errors).square().mean() < 1.01 * size.min()


def test_no_method_is_weighed_where_it_was_taught(task, monkeypatch):
    """Trees that know a window by heart would take all of the weight there."""
    taught = []
    monkeypatch.setattr(choice, "fitted", lambda name, task, seed: taught.append(task))
    monkeypatch.setattr(choice, "errors_of", lambda *_: torch.arange(9.0))
    weighed(names_of(None, lent=False), task, 0)
    valid = set(task.target.valid.tolist())
    assert valid and len(taught) == 3
    assert not any(valid & set(one.target.known.tolist()) for one in taught)


def test_an_unknown_method_lists_the_known(task):
    with pytest.raises(DataError, match="method 'Crystal ball': there are Last value"):
        fitted("Crystal ball", task, 0)
