"""AdaRNN: its size, what pulls states together, and how weights of steps move."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.adarnn import (
    METHOD,
    AdaRNN,
    AdaRNNSettings,
    AdaRNNSize,
    align_loss,
    coral,
    pair_distance,
    sensor_windows,
)
from stflow_lib.speedgraph.problem.task import Choices
from stflow_lib.training import saved
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SMALL = AdaRNNSettings(
    AdaRNNSize(units=4), samples=6, gated=1,
    align=Training(epochs=3, epoch_steps=2, batch=1, halve_every=0),
    target=Training(epochs=1, epoch_steps=2, batch=4, halve_every=0),
)  # fmt: skip


@pytest.fixture
def network():
    torch.manual_seed(0)
    return AdaRNN(12, 6, AdaRNNSize(units=4))


def test_parameters_of_the_release():
    """A layer or gate that is lost, or gates that no longer see both domains."""
    assert count_parameters(AdaRNN(12, 6)) == 83_790


def test_coral_is_the_distance_of_covariances():
    """A covariance over steps or samples mixed up would pass a test of zero for equal inputs."""
    one, two = torch.randn(9, 3, 4).double(), torch.randn(7, 3, 4).double()
    for step in range(3):
        a, b = (np.cov(x[:, step].numpy(), rowvar=False) for x in (one, two))
        want = ((a - b) ** 2).sum() / (4 * 16)
        assert coral(one, two)[step].item() == pytest.approx(want)


@pytest.mark.parametrize("change", [False, True])
def test_a_sample_is_one_sensor(change, task):
    """Labels of another sensor, step or kind would teach nonsense without an error."""
    torch.manual_seed(5)
    city = replace(task.target, change=change)
    x, truth, seen = sensor_windows(city, 50)
    windows = city.windows(city.train)
    labels, there = city.scaled_labels(city.train)
    for row in range(50):
        where = (windows == x[row]).all(3).all(2).nonzero()
        found = [
            torch.equal(labels[b, n][there[b, n]], truth[row][seen[row]]) for b, n in where
        ]
        assert any(found)


def test_missing_labels_do_not_teach(task, network):
    """A gap stored as 0 or NaN must not reach the gradient."""
    city = task.target
    spoilt = replace(city, speed=torch.where(city.seen, city.speed, 1e9))
    losses = []
    for one in (city, spoilt):
        torch.manual_seed(1)
        losses.append(align_loss(network, [one, one], SMALL).item())
    assert losses[0] == losses[1]


def test_equal_domains_are_at_no_distance(network):
    rows = torch.randn(6, 12, 2)
    layers = [(h, h) for h in network.states(rows)]
    assert pair_distance(network, layers, SMALL).item() == 0


def test_gates_first_then_distances(task, network):
    """Gates that go on to weigh, or distances that never do."""
    cities = [*task.sources, task.target]
    for step in range(4):
        gated = step < 2
        network.zero_grad()
        align_loss(network, cities, SMALL).backward()
        assert (network.gates[0].line.weight.grad is not None) == gated
        torch.testing.assert_close(network.shares.sum(1), torch.ones(2))
    assert torch.isfinite(network.before).all() and not network.sums.any()


def test_boost_raises_where_the_distance_grew(network):
    """One step has grown by 1: its share is multiplied by 1 + sigmoid(1), then all sum to 1."""
    network.before.fill_(0.5)
    network.sums.fill_(0.5)
    network.sums[0, 3] += 1
    network.boost()
    factor = 1 + torch.tensor(1.0).sigmoid()
    want = torch.full((12,), 1 / (11 + factor))
    want[3] *= factor
    torch.testing.assert_close(network.shares[0], want)
    torch.testing.assert_close(network.shares[1], torch.full((12,), 1 / 12))


def test_fits_and_repeats(task):
    """The same seed gives the same bits, after both stages."""
    one, two = (METHOD.fit(task, SMALL, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert set(one.curves) == {
        f"{s}_{c}" for s in ("align", "target") for c in ("loss", "valid_mae")
    }


@pytest.mark.parametrize("weekday", [0, 1])
def test_a_saved_network_is_had_again(weekday, target, source, tmp_path):
    """Told of weekends it has an input more, which the network to be filled must have too."""
    task = make_task(target, [source], choices=Choices(weekday=weekday))
    fitted = METHOD.fit(task, SMALL, 0, None)
    saved.save(fitted, tmp_path / "own")
    again = saved.load(tmp_path / "own")
    assert torch.equal(again(task, task.test[:5]), fitted(task, task.test[:5]))


def test_zero_shot_and_no_source(target, source):
    zero = make_task(target, [source], days=0)
    assert "target_loss" not in METHOD.fit(zero, SMALL, 0, None).curves
    with pytest.raises(DataError, match="target: no source city"):
        METHOD.fit(make_task(target), SMALL, 0, None)


def test_it_learns(task):
    """Both errors fall on a clear rhythm."""
    plan = replace(SMALL.align, epochs=8, epoch_steps=20, learning_rate=1e-2)
    settings = replace(SMALL, size=AdaRNNSize(8, 2, 0.0), samples=32, align=plan)
    curve = METHOD.fit(task, settings, 0, None).curves["align_valid_mae"]
    assert min(curve) < 0.9 * curve[0]
