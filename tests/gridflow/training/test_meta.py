"""Meta-learning: closed forms on a linear model, tasks that stay inside the training part."""

from functools import partial

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.training.meta import (
    Meta,
    adapted,
    adapted_rmse,
    city_loss,
    draw_task,
    last_batches,
    meta_loss,
    with_weights,
)
from stflow_lib.gridflow.training.schedule import Schedule, scaled_rmse, squared_error

TINY = Backbone(channels=2, blocks=0, hidden=2)
META = Meta(tasks=2, steps=2, rate=0.01)


def parabola(weights, at):
    """0.5 a (w - at)^2 with a = 3: its inner step is w - rate * 3 (w - at)."""
    return 1.5 * (weights["w"] - at.double()).square().sum()


@pytest.mark.parametrize("first_order, factor", [(False, 1 - 0.1 * 3), (True, 1.0)])
def test_outer_gradient_of_a_parabola(first_order, factor):
    """d/dw of 1.5 (w' - q)^2 is 3 (w' - q) dw'/dw, and dw'/dw = 1 - 3 rate in second order."""
    w = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    meta = Meta(rate=0.1, first_order=first_order)
    support, query = torch.tensor([1]), torch.tensor([5])
    moved = adapted(parabola, {"w": w}, [support], meta)["w"]
    assert moved.item() == pytest.approx(2 - 0.1 * 3 * (2 - 1))
    (got,) = torch.autograd.grad(parabola({"w": moved}, query), w)
    assert got.item() == pytest.approx(3 * (1.7 - 5) * factor)


def test_inner_steps_follow_each_other():
    w = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    batches = [torch.tensor([1]), torch.tensor([0]), torch.tensor([4])]
    got, want = adapted(parabola, {"w": w}, batches, Meta(rate=0.1))["w"], 2.0
    for at in (1, 0, 4):
        want -= 0.1 * 3 * (want - at)
    assert got.item() == pytest.approx(want)
    assert torch.autograd.grad(got, w)[0].item() == pytest.approx(0.7**3)


def test_inner_steps_leave_the_network_alone(task):
    """They act on a copy: without steps the query's loss is the plain one."""
    torch.manual_seed(0)
    network, city = STNet(TINY), task.sources[0]
    weights, steps = dict(network.named_parameters()), city.train[:8]
    loss = city_loss(network, city)
    assert loss(weights, steps) == squared_error(network, city, steps)
    before = {name: w.clone() for name, w in weights.items()}
    moved = adapted(loss, weights, [steps], META)
    assert all(torch.equal(before[n], w) for n, w in weights.items())
    by_hand = torch.autograd.grad(squared_error(network, city, steps), [*weights.values()])
    for (name, w), g in zip(weights.items(), by_hand, strict=True):
        torch.testing.assert_close(moved[name], w - 0.01 * g)


def test_a_task_is_a_span_and_the_next_day(task):
    """Support before query, both inside the training part; validation is never touched."""
    city = task.sources[0]
    seen = set()
    for seed in range(40):
        torch.manual_seed(seed)
        batches, query = draw_task(city, 24, Meta(days=3, steps=2), 32)
        assert [len(b) for b in batches] == [32, 32] and len(query) == 24
        assert query.tolist() == [*range(int(query[0]), int(query[0]) + 24)]
        support = torch.cat(batches)
        assert int(query[0]) - 72 <= int(support.min()) and support.max() < query[0]
        assert int(query[-1]) <= int(city.train[-1])
        seen.add(int(query[0]))
    assert len(seen) > 20


def test_a_source_shorter_than_a_task_is_an_error(task):
    with pytest.raises(DataError, match="a: 186 training steps, a task needs 240"):
        draw_task(task.sources[0], 24, Meta(days=9), 8)


def test_meta_loss_is_the_mean_over_tasks(task):
    torch.manual_seed(0)
    network, city = STNet(TINY), task.sources[0]
    weights, loss = dict(network.named_parameters()), city_loss(network, city)
    torch.manual_seed(5)
    got = meta_loss(loss, weights, city, 24, META, 8)
    torch.manual_seed(5)
    each = []
    for _ in range(2):
        batches, query = draw_task(city, 24, META, 8)
        each.append(loss(adapted(loss, weights, batches, META), query))
    assert got.item() == pytest.approx(sum(each).item() / 2)


def test_tasks_that_cannot_be_are_errors():
    for wrong in ({"tasks": 0}, {"days": 0}, {"steps": -1}):
        with pytest.raises(ValueError, match="too few"):
            Meta(**wrong)


def test_an_epoch_is_judged_after_the_inner_steps_on_the_days_before_validation(task):
    """By hand: two plain gradient steps on the last three training days, then the error."""
    torch.manual_seed(0)
    network, city, plan = STNet(TINY), task.sources[0], Schedule(batch=8)
    meta, weights = Meta(steps=2, rate=0.01), dict(network.named_parameters())
    loss, own = city_loss(network, city), partial(with_weights, network)
    batches = last_batches(city, task.day, meta, 8)
    assert {len(b) for b in batches} == {8} and len(batches) == 2
    assert all(set(b.tolist()) <= set(city.train[-72:].tolist()) for b in batches)
    assert torch.equal(batches[1], last_batches(city, task.day, meta, 8)[1])
    twin = STNet(TINY)
    twin.load_state_dict(network.state_dict())
    for steps in batches:
        moves = torch.autograd.grad(squared_error(twin, city, steps), [*twin.parameters()])
        with torch.no_grad():
            for p, move in zip(twin.parameters(), moves, strict=True):
                p -= 0.01 * move
    with torch.inference_mode():
        got = adapted_rmse(loss, weights, own, city, task.day, meta, plan)
        assert got == pytest.approx(scaled_rmse(twin, city, plan), rel=1e-5)
        assert abs(got - scaled_rmse(network, city, plan)) > 1e-4
