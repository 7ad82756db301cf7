"""Reptile: where a step leads, that nothing else moves, and that it learns from sources."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.baselines.reptile_backbones import DCRNN
from stflow_lib.speedgraph.networks import dcrnn
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.training.reptile import (
    BackboneForecaster,
    ReptileLearner,
    ReptileSettings,
    adapted,
    move_towards,
)
from stflow_lib.training.loop import Training

SMALL = ReptileSettings(
    dcrnn.DCRNNSize(3), inner=2, windows=4,
    meta=Training(epochs=2, epoch_steps=2, batch=1, halve_every=0),
    target=Training(epochs=2, epoch_steps=2, batch=4, halve_every=0),
)  # fmt: skip


def made(task, settings=SMALL):
    torch.manual_seed(0)
    network = BackboneForecaster(task, settings.backbone)
    graphs = {c.name: network.operators(c.weights) for c in (task.target, *task.sources)}
    return network, graphs


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_the_whole_way_is_the_adapted_network(task):
    """Reach 1 and one task: the weights of the copy."""
    network, graphs = made(task)
    learner = ReptileLearner(network, SMALL)
    torch.manual_seed(1)
    led, _ = adapted(deepcopy(network), task.sources[0], graphs, SMALL)
    torch.manual_seed(1)
    learner.step(task, graphs)
    assert torch.equal(weights(network), weights(led)) and int(learner.turn) == 1


def test_half_the_way(task):
    network, graphs = made(task)
    start = weights(network)
    led, _ = adapted(network, task.sources[0], graphs, SMALL)
    assert torch.equal(weights(network), start)  # the copy moved, it did not
    move_towards(network, led, 0.5)
    torch.testing.assert_close(weights(network), (start + weights(led)) / 2)


def test_what_is_bound_to_a_city_is_not_averaged():
    """Averaging over cities would mix weights of sensors that have nothing in common."""
    parts = ("bound", "shared")
    one, two = (torch.nn.ModuleDict({p: torch.nn.Linear(2, 1) for p in parts}) for _ in "ab")
    middle = (one.shared.weight + two.shared.weight).detach() / 2
    move_towards(one, two, 0.5)
    assert torch.equal(one.bound.weight, two.bound.weight)
    torch.testing.assert_close(one.shared.weight.detach(), middle)


def test_reach_falls_and_cities_take_turns(task, make_speed):
    """After half of the tasks half of the way; the outer optimiser adds nothing."""
    two = replace(task, sources=(*task.sources, make_task(make_speed("b", seed=4)).target))
    network, graphs = made(two)
    learner = ReptileLearner(network, SMALL)
    learner.turn += 2  # of 4
    start = weights(network)
    torch.manual_seed(1)
    led, _ = adapted(deepcopy(network), two.sources[0], graphs, SMALL)
    torch.manual_seed(1)
    value = learner.step(two, graphs)
    torch.testing.assert_close(weights(network), (start + weights(led)) / 2)
    value.backward()
    assert not any(p.grad.any() for p in network.parameters())


@pytest.mark.parametrize("size", [dcrnn.DCRNNSize(3), gwn.GWNSize(4, 6, 5)])
def test_fits_and_repeats(size, task):
    """Both stages leave curves; the same seed gives the same bits."""
    settings = replace(SMALL, backbone=size)
    one, two = (DCRNN.fit(task, settings, 3, None) for _ in range(2))
    steps = task.test[:5]
    assert one(task, steps).shape == (5, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert set(one.curves) == {
        f"{s}_{c}" for s in ("meta", "target") for c in ("loss", "valid_mae")
    }


def test_a_finished_training_is_loaded(task, tmp_path):
    """Weights and the number of tasks seen come back; nothing is trained twice."""
    whole = DCRNN.fit(task, SMALL, 0, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = DCRNN.fit(task, SMALL, 0, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert torch.equal(whole(task, task.test[:3]), again(task, task.test[:3]))


def test_zero_shot_and_no_source(target, source, task):
    zero = make_task(target, [source], days=0)
    assert "target_loss" not in DCRNN.fit(zero, SMALL, 0, None).curves
    with pytest.raises(DataError, match="target: no source city"):
        DCRNN.fit(make_task(target), SMALL, 0, None)


def test_it_learns_from_the_sources(task):
    longer = replace(SMALL, meta=replace(SMALL.meta, epochs=5, epoch_steps=8), inner=4)
    curve = DCRNN.fit(task, longer, 0, None).curves["meta_valid_mae"]
    assert min(curve) < curve[0]
