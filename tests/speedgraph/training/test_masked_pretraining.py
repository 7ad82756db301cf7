"""Masked pre-training: which windows are drawn, what the error counts, that it learns."""

import pytest
import torch

from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.networks.patch_encoder import (
    PatchEncoder,
    PatchEncoderSize,
    patchify,
)
from stflow_lib.speedgraph.problem.long_windows import (
    WEEK,
    with_long_windows,
)
from stflow_lib.speedgraph.training.masked_pretraining import (
    _fixed_draw_error,
    hidden_error,
    pretrained,
    sample_windows,
    training_cities,
)
from stflow_lib.training.loop import Training

SMALL = PatchEncoderSize(width=8, heads=2, layers=1, hidden=8, places=WEEK, dropout=0.0)


def test_drawn_windows_are_of_some_sensors(target):
    """The same sensors in each, in the order that is told."""
    city = make_task(target).target
    x, nodes = sample_windows(city, city.train[:1], 2, 3)
    assert x.shape == (2, 3, 12, 2) and len(set(nodes.tolist())) == 3
    assert torch.equal(x, city.windows(city.train[:1])[:, nodes].expand(2, -1, -1, -1))
    assert sample_windows(city, city.train, 1, 0)[0].shape[1] == 5


def test_pretraining_learns_and_can_be_resumed(target, source, tmp_path):
    """Validation error falls; a finished stage is loaded."""
    task = with_long_windows(make_task(target, [source]), 1)
    plan = Training(epochs=4, epoch_steps=10, batch=2, learning_rate=1e-2, halve_every=0)

    def learned(seed):
        torch.manual_seed(seed)
        net = PatchEncoder(6, SMALL)

        def error(city, steps):
            hours, when = patchify(sample_windows(city, steps, 2, 3)[0], 6)
            guess, hidden = net.reconstruct(hours, net.places(when))
            return (guess - hours[:, hidden]).square().mean()

        return net, pretrained(net, error, training_cities(task), plan, 0, tmp_path, "hours")

    (one, history), (two, _) = learned(0), learned(1)
    assert min(history.curves["valid_error"]) < history.curves["valid_error"][0]
    assert all(
        torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True)
    )


def test_only_hidden_hours_count(target, monkeypatch):
    """A guess right where hidden and wrong elsewhere has no error; one off by two has four."""
    city = with_long_windows(make_task(target), 1).target
    net, kept = PatchEncoder(6, SMALL), {}

    def reconstruct(hours, marks):
        hidden = torch.tensor([1, 5])
        return hours[:, hidden] + kept["off"], hidden

    monkeypatch.setattr(net, "reconstruct", reconstruct)
    for off, want in ((0.0, 0.0), (2.0, 4.0)):
        kept["off"] = off
        got = hidden_error(net, 2, 3, city, city.train)
        assert got.item() == pytest.approx(want, abs=1e-5)


def test_the_check_uses_up_no_random_number(target):
    """A validation error that moves the stream would make a watched training another one."""
    city = make_task(target).target
    error = lambda city, steps: torch.rand(()) + 0 * steps.sum()
    state = torch.get_rng_state()
    one, two = _fixed_draw_error(error, [city]), _fixed_draw_error(error, [city])
    assert one == two and torch.equal(torch.get_rng_state(), state)


def test_the_target_teaches_where_it_has_days(target, source, task):
    assert [c.name for c in training_cities(task)] == ["source", "target"]
    zero = make_task(target, [source], days=0)
    assert [c.name for c in training_cities(zero)] == ["source"]
