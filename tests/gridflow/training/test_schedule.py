"""Batches of one city, the clipped gradient, the loss and the score of one direction."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from stflow_lib.gridflow import make_task
from stflow_lib.gridflow.baselines.rules import fit_last
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.training.schedule import (
    Schedule,
    clip_by_norm,
    fit_cities,
    predict_trips,
    scaled_rmse,
    squared_error,
    weighted_squared_error,
    with_clipping_and_decay,
)
from stflow_lib.training.method import NoSettings

TINY = Backbone(channels=2, blocks=0, hidden=2, last_value=True)


def net(seed=0, size=TINY):
    torch.manual_seed(seed)
    return STNet(size)


@pytest.fixture(scope="module")
def task(make_grid, twelve):
    """Two sources of different grids and lengths of training, one target; pick-ups."""
    cities = [make_grid("a", seed=2), make_grid("b", rows=2, cols=3, seed=3)]
    return make_task(make_grid("c", rows=3, cols=2, seed=4), cities, twelve).only(0)


def samples(*counts):
    rows = [[city, 100 * city + i] for city, n in enumerate(counts) for i in range(n)]
    return torch.tensor(rows)


@given(st.integers(1, 3), st.integers(2, 5), st.integers(0, 7), st.integers(0, 4))
def test_each_batch_holds_one_city_and_they_take_turns(cities, batch, steps, epoch):
    """STBaT's statistics are those of a city's cells over the batch: no mixture, never one."""
    plan = Schedule(batch=batch, epoch_steps=steps)
    order = plan.order(samples(*[6, 9, 4][:cities]), epoch, 1)
    batches = order.split(batch)
    assert all(len(b) == batch and len(b[:, 0].unique()) == 1 for b in batches)
    turns = [int(b[0, 0]) for b in batches]
    assert turns == [*range(cities)] * (len(turns) // cities)
    wanted = steps or math.ceil(sum([6, 9, 4][:cities]) / batch)
    assert wanted <= len(batches) < wanted + cities


def test_every_window_is_used_equally_often():
    """72 windows in batches of 32: three epochs of three batches are four passes."""
    plan = Schedule(batch=32)
    rows = torch.cat([plan.order(samples(72), epoch, 5) for epoch in range(3)])
    assert torch.bincount(rows[:, 1]).tolist() == [4] * 72


def test_cities_of_one_length_have_orders_of_their_own():
    order = Schedule(batch=20).order(samples(20, 20), 0, 0)
    one, two = (order[order[:, 0] == c, 1] % 100 for c in (0, 1))
    assert sorted(one.tolist()) == sorted(two.tolist()) and not torch.equal(one, two)


def pair_of_layers():
    torch.manual_seed(0)
    return nn.Linear(3, 4), nn.Linear(4, 2)


def test_clipped_and_decayed_steps_are_those_of_two_adams():
    """One Adam behind clipped, decayed gradients = clip_grad_norm_ and Adam, per group."""
    ours = pair_of_layers()
    theirs = copy.deepcopy(ours)
    x, plan = torch.randn(5, 3), Schedule(clip=0.5, weight_decay=0.1)
    one = torch.optim.Adam([p for layer in ours for p in layer.parameters()], lr=0.01)
    two = [torch.optim.Adam(m.parameters(), lr=0.01, weight_decay=0.1) for m in theirs]
    for _ in range(5):
        one.zero_grad()
        with_clipping_and_decay(
            (ours[1](ours[0](x).tanh()) * 3).square().sum(), ours, plan
        ).backward()
        one.step()
        for adam in two:
            adam.zero_grad()
        (theirs[1](theirs[0](x).tanh()) * 3).square().sum().backward()
        for layer, adam in zip(theirs, two, strict=True):
            nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
            adam.step()
    for ours_, theirs_ in zip(ours, theirs, strict=True):
        torch.testing.assert_close(ours_.weight, theirs_.weight)
        torch.testing.assert_close(ours_.bias, theirs_.bias)


def test_clipping_keeps_the_value_and_skips_what_does_not_move():
    """A parameter that the loss does not reach must not decay, nor a frozen one."""
    first, second = pair_of_layers()
    second.requires_grad_(False)
    loss = first(torch.ones(1, 3)).sum()
    value = with_clipping_and_decay(loss, [first, second], Schedule())
    assert value.item() == loss.item()
    value.backward()
    assert first.weight.grad is not None and second.weight.grad is None
    idle = nn.Linear(2, 2)
    with_clipping_and_decay(first(torch.ones(1, 3)).sum(), [first, idle], Schedule()).backward()
    assert idle.weight.grad is None


@pytest.mark.parametrize("norm, want", [(1.0, 1.0), (100.0, 5.0), (0.0, 5.0)])
def test_the_bound_is_of_the_joint_norm(norm, want):
    """Bounding each tensor by itself would change the direction."""
    gradients = clip_by_norm([torch.tensor([3.0]), None, torch.tensor([[4.0]])], norm)
    assert gradients[1] is None
    assert math.hypot(gradients[0].item(), gradients[2].item()) == pytest.approx(want, 1e-5)
    assert gradients[2].item() / gradients[0].item() == pytest.approx(4 / 3)


def test_loss_is_a_mean_over_windows_and_a_sum_over_cells():
    """Lambda and the bound of the gradient are tuned to this scale."""
    guess, truth = (
        torch.tensor([[1.0, 2.0], [3.0, 5.0]]),
        torch.tensor([[0.0, 2.0], [0.0, 2.0]]),
    )
    assert weighted_squared_error(guess, truth) == (1 + 0 + 9 + 9) / 2
    assert (
        weighted_squared_error(guess, truth, torch.tensor([0.5, 2.0])) == (0.5 + 4.5 + 18) / 2
    )


def silent(network):
    """Predicts the last hour."""
    nn.init.zeros_(network.head[2].weight)
    nn.init.zeros_(network.head[2].bias)
    return network


def test_silent_network_is_the_previous_hour(task):
    """Cells out of order, hours off by one, or a scale undone wrongly show here."""
    city, steps = task.target, torch.tensor([240, 250, 287])
    got = predict_trips(silent(net()), city, steps)
    want = fit_last(0, task, NoSettings(), 0, None)(task, steps)
    mask = city.mask.expand(3, -1, -1, -1)
    torch.testing.assert_close(got[mask], want[mask])
    assert (got[~mask] == city.low).all() and (~mask).any()


def test_loss_and_score_by_hand(task):
    """Valid cells only: changing the others changes neither."""
    city, steps = task.sources[0], torch.arange(192, 288)
    error = (city.scaled[steps] - city.scaled[steps - 1])[:, city.mask].double()
    network = silent(net())
    plan = Schedule()
    got = squared_error(network, city, steps)
    torch.testing.assert_close(got.double(), error.square().sum(1).mean())
    assert scaled_rmse(network, city, plan) == pytest.approx(error.square().mean() ** 0.5)
    every = scaled_rmse(network, city, Schedule(valid_every=5))
    assert every == pytest.approx(error[::5].square().mean() ** 0.5)


@pytest.mark.parametrize("batch", [1, 7, 95])
def test_score_does_not_depend_on_its_batches(task, batch):
    plan, network = Schedule(), net()
    whole = scaled_rmse(network, task.sources[0], plan)
    assert scaled_rmse(network, task.sources[0], plan, batch) == pytest.approx(whole)


PLAN = Schedule(epochs=4, epoch_steps=4, batch=8, learning_rate=0.01)


def fitted(task, folder=None, plan=PLAN, **more):
    network = net()
    history = fit_cities(
        network, task.sources, plan, seed=3, stage="source", folder=folder, **more
    )
    return network, history


def test_kept_network_has_the_best_mean_over_cities(task):
    """Cities of any size count the same; the curve is that mean."""
    network, history = fitted(task, log=lambda: {"seven": 7.0})
    curve = history.curves["valid_rmse"]
    errors = [scaled_rmse(network, city, PLAN) for city in task.sources]
    assert min(curve) == pytest.approx(sum(errors) / 2)
    assert len(curve) == 4 and history.curves["seven"] == [7.0] * 4


def test_interrupted_training_goes_on_as_if_nothing_happened(task, tmp_path):
    """Also through the hand-made gradients and Adam's moments."""
    calls, want = [], fitted(task)[0]

    def log():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return {}

    with pytest.raises(KeyboardInterrupt):
        fitted(task, tmp_path, log=log)
    assert (tmp_path / "source.pt").exists()
    got = fitted(task, tmp_path)[0]
    assert all(
        torch.equal(p, q) for p, q in zip(want.parameters(), got.parameters(), strict=True)
    )


def test_own_objective_gets_one_city_and_its_labels(task):
    seen = []

    def objective(city, steps):
        seen.append((city.name, set(steps.tolist()) <= set(city.train.tolist()), len(steps)))
        return squared_error(network, city, steps)

    network = net()
    fit_cities(network, task.sources, PLAN, seed=0, stage="s", folder=None, objective=objective)
    assert seen == [("a", True, 8), ("b", True, 8)] * 8


def test_a_training_that_only_harms_leaves_the_network_as_it_came(task):
    """Epoch 0 is a candidate: the previous hour, thrown about by a rate of 100."""
    wild = replace(PLAN, learning_rate=100.0, keep_start=True)
    network = silent(net())
    before = copy.deepcopy(network.state_dict())
    history = fit_cities(network, [task.target], wild, seed=0, stage="t", folder=None)
    assert all(torch.equal(w, before[n]) for n, w in network.state_dict().items())
    assert history.best_step == 0 and history.steps == 16
    assert min(history.curves["valid_rmse"]) > scaled_rmse(network, task.target, wild)


def test_a_training_that_helps_is_kept_as_without_epoch_0(task):
    """The extra look neither moves a weight nor draws a number."""
    plans = PLAN, replace(PLAN, keep_start=True)
    (one, first), (two, second) = (fitted(task, plan=plan) for plan in plans)
    assert first.best_step == second.best_step > 0 and first.curves == second.curves
    assert all(
        torch.equal(p, q) for p, q in zip(one.parameters(), two.parameters(), strict=True)
    )
