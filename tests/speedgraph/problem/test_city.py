"""One city as tensors: windows, labels, gaps, changes, some of its sensors."""

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import Choices, make_task
from stflow_lib.speedgraph.problem.city import forward_fill, mean_and_std


def test_windows_and_labels(target):
    """Inputs end one step before the labels; the clock is that of the inputs."""
    city = make_task(target).target
    steps = torch.tensor([200, 300])
    x, (y, seen) = city.windows(steps), city.labels(steps)
    assert x.shape == (2, 5, 12, 2) and y.shape == seen.shape == (2, 5, 6)
    assert torch.equal(x[0, 2, :, 0], city.scaled[188:200, 2])
    assert x[0, 0, -1, 1].item() == pytest.approx((199 % 144) / 144)
    assert torch.equal(y[1, 4], city.speed[300:306, 4])
    assert torch.allclose(
        city.unscale(city.scaled)[city.seen], city.speed[city.seen], atol=1e-4
    )


def test_gaps_are_carried_forward_only():
    """The last reading, the city's mean before the first, and nothing from later."""
    seen = torch.tensor([[False, True], [True, False], [False, False], [True, True]])
    values = torch.tensor([[9.0, 1], [2, 9], [9, 9], [3, 4]])
    want = torch.tensor([[0.0, 1], [2, 1], [2, 1], [3, 4]])
    assert torch.equal(forward_fill(values, seen), want)


def test_a_network_may_be_asked_for_the_change(target, source):
    """What is learned and what is predicted must be undone by the same last input."""
    plain, asked = (make_task(target, [source], choices=Choices(change=c)) for c in (0, 1))
    steps = asked.test[:3]
    for one, other in ((plain.target, asked.target), (plain.sources[0], asked.sources[0])):
        truth, seen = one.labels(steps)
        answers, _ = other.scaled_labels(steps)
        assert torch.allclose(other.to_forecast(answers, steps)[seen], truth[seen], atol=1e-4)
        still = other.to_forecast(torch.zeros_like(answers), steps)
        last = one.unscale(one.windows(steps)[:, :, -1:, 0])
        assert torch.equal(still, last.expand_as(still))
        assert torch.equal(one.to_forecast(one.scaled_labels(steps)[0], steps)[seen],
                           one.unscale(one.scaled_labels(steps)[0])[seen])  # fmt: skip


def test_sensors_are_drawn_and_keep_their_graph(target):
    """Eight of a city: speeds, weights and scores of these; another draw, other sensors."""
    whole = make_task(target)
    some = make_task(target, choices=Choices(sensors=3))
    assert some.target.speed.shape[1] == 3 and some.target.weights.shape == (3, 3)
    at = [
        (whole.target.speed == some.target.speed[:, [k]]).all(0).nonzero().item()
        for k in range(3)
    ]
    assert at == sorted(at)
    assert torch.equal(some.target.weights, whole.target.weights[at][:, at])
    assert some.target.mean == whole.target.mean


def test_scale_is_of_what_was_measured():
    """Zeros that stand for gaps would pull the mean down; a city at one speed has no scale."""
    speed = torch.tensor([[50.0, 0.0], [54.0, 0.0]])
    seen = torch.tensor([[True, False], [True, False]])
    assert mean_and_std(speed, seen, "here") == (52.0, 2.0)
    with pytest.raises(DataError, match="here: 1 readings, none differs"):
        mean_and_std(speed, seen & (speed > 52), "here")
