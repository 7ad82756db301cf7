"""Errors of a network: which windows count, how much, and in which unit."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.training.losses import (
    BATCH,
    BatchCounts,
    count_batches,
    masked_mae,
    penalty,
    predict,
    source_loss,
    training_error,
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


def counted(task, squares):
    """A network without weights of its own, in training, and the task that asks for squares."""

    class Line(torch.nn.Module):
        def forward(self, x, road):
            return line(x, road)

    cities = [replace(c, squares=squares) for c in (task.target, *task.sources)]
    task = replace(task, target=cities[0], sources=tuple(cities[1:]))
    return count_batches(Line(), task), task


def test_squares_are_lowered_first(task, roads):
    """Of the first two batches of a city in training, whatever other cities' were; then sizes,
    and in validation always sizes."""
    network, task = counted(task, 2)
    city, (other,) = task.target, task.sources
    off = torch.tensor([3.0, -4.0])
    assert penalty(network, other, off).tolist() == [9, 16]
    assert [penalty(network, city, off).tolist() for _ in range(3)] == [
        [9, 16],
        [9, 16],
        [3, 4],
    ]
    assert penalty(network, other, off).tolist() == [9, 16]
    network, task = counted(task, 2)
    assert penalty(network.eval(), city, off).tolist() == [3, 4]


def test_without_squares_a_training_lowers_the_error_it_reports(task, roads):
    """Bit for bit, and the network keeps no count."""
    network, task = counted(task, 0)
    city, steps = task.target, task.target.train[:8]
    one = training_error(network, city, roads, steps)
    assert torch.equal(one, masked_mae(line, city, roads, steps))
    assert not hasattr(network, "counts")


def test_the_count_is_kept_with_the_weights(task):
    """A resumed training, and the copies of Reptile, go on from it."""
    network, task = counted(task, 5)
    penalty(network, task.target, torch.ones(1))
    again, _ = counted(task, 5)
    again.load_state_dict(network.state_dict())
    assert deepcopy(again).counts.taken.tolist() == [1, 0]


def test_squares_lead_away_from_no_change(task):
    """Readings that rarely fall far and often rise a little: at 0 the gradient of absolute errors
    leads up, away from the mean change, that of squares leads down to it."""
    change = torch.cat([torch.full((90,), 0.01), torch.full((10,), -2.0)])
    leads = {}
    for early in (0, 1):
        guess = torch.zeros((), requires_grad=True)
        city = replace(task.target, squares=early, name="here")
        network = torch.nn.Identity()
        network.counts = BatchCounts(["here"])
        penalty(network, city, guess - change).mean().backward()
        leads[early] = -guess.grad.sign().item()
    assert leads == {0: 1.0, 1: -1.0}


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
