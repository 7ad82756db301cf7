"""Errors of a network: which windows count, how much, and in which unit."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.training.losses import (
    BATCH,
    masked_mae,
    predict,
    source_loss,
    validation_mae,
)

WEIGHTS = torch.linspace(-1, 1, 72).view(12, 6)


def line(x, road):
    """A network that reads speeds only."""
    return x[..., 0] @ WEIGHTS


@pytest.fixture
def roads(task):
    return {c.name: () for c in (task.target, *task.sources)}


def test_source_windows_are_shared_out(target, source, make_speed):
    """124 among three cities are 42, 41 and 41, and each window weighs the same."""
    third = make_speed("third", seed=5)
    task = make_task(target, [source, third, make_speed("fourth", seed=6)])
    seen = {}

    def count(x, road):
        seen[x.shape[1], len(seen)] = len(x)
        return torch.zeros(*x.shape[:2], 6)

    source_loss(count, task, {c.name: () for c in task.sources}, 124)
    assert list(seen.values()) == [42, 41, 41]


def test_missing_labels_do_not_teach(task, roads):
    """NaN would spread to every weight; a gap has no gradient."""
    city = task.target
    spoilt = replace(city, speed=torch.where(city.seen, city.speed, 1e9))
    steps = city.train[:8]
    one, two = (masked_mae(line, c, roads, steps) for c in (city, spoilt))
    assert torch.equal(one, two)


def test_an_error_is_in_deviations(task, roads):
    """Cities in mph and km/h weigh the same: plain averages of what was measured."""
    for city in (task.target, task.sources[0]):
        steps = city.train[:8]
        truth, seen = city.labels(steps)
        guess = city.unscale(line(city.windows(steps), ()))
        want = (guess - truth).abs()[seen].mean() / city.deviation
        torch.testing.assert_close(masked_mae(line, city, roads, steps), want)


def test_validation_pools_sums_over_batches(task, roads):
    """A mean of batch means would weigh a short last batch, or one with many gaps, too much."""
    city, steps = task.target, task.target.valid[: BATCH + 3]
    want = masked_mae(line, city, roads, steps).item()
    assert validation_mae(line, city, roads, steps) == pytest.approx(want, rel=1e-6)


def test_forecasts_are_of_the_steps_after_the_window(task, roads):
    """A network that repeats the newest input: the speed one step before the first label."""
    city, steps = task.target, task.test[: BATCH + 3]
    newest = lambda x, road: x[:, :, -1:, 0].expand(-1, -1, 6)
    got = predict(newest, roads, task, steps)
    want = city.unscale(city.scaled)[steps - 1]
    assert torch.equal(got, want[..., None].expand(-1, -1, 6))
