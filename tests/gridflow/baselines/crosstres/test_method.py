"""The scorer, its look ahead, and three parts that learn without touching each other."""

import math
from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow import METHODS, make_task
from stflow_lib.gridflow.baselines.crosstres.method import (
    CrossTReSSettings,
    Scorer,
    Selection,
    SelectiveTransfer,
    embed_first,
)
from stflow_lib.gridflow.networks.stnet import Backbone, STNet
from stflow_lib.gridflow.training.schedule import Schedule, scaled_rmse, squared_error

TINY = Backbone(channels=2, blocks=0, hidden=2)
SHORT = Schedule(epochs=2, epoch_steps=2, batch=8, learning_rate=0.01)
SELECTION = Selection(first=3, near=3, every=2, ahead=2, rate=0.01, queries=2, sampled=5)
SETTINGS = CrossTReSSettings(TINY, SHORT, SHORT, SELECTION)


def model(task, **changes):
    torch.manual_seed(0)
    return SelectiveTransfer(STNet(TINY), task, replace(SELECTION, **changes))


def test_scorer_by_its_formula():
    torch.manual_seed(0)
    scorer, source, target = Scorer(6), torch.randn(9, 6), torch.randn(4, 6)
    context = torch.tanh(scorer.layers(target).mean(0))
    want = [max(0.0, torch.tanh(scorer.layers(row) @ context).item()) for row in source]
    assert scorer(source, target).tolist() == pytest.approx(want, abs=1e-6)


def test_three_parts_share_no_gradient(task):
    """The look ahead moves the scorer, embedding losses the embedder, the batch the network."""
    net, city = model(task), task.sources[0]
    net.look_ahead(city, 8).backward()
    assert any(p.grad is not None and p.grad.any() for p in net.scorer.parameters())
    others = [*net.network.parameters(), *net.embedder.parameters()]
    assert all(p.grad is None for p in others)
    net.zero_grad()
    net.embedding_loss(city).backward()
    assert any(p.grad is not None and p.grad.any() for p in net.embedder.parameters())
    others = [*net.network.parameters(), *net.scorer.parameters()]
    assert all(p.grad is None for p in others)


def test_first_epoch_is_unweighted_and_looks_ahead_every_other_batch(task):
    """Weights start at 1; 4 batches, 2 looks."""
    net, city, looks = model(task), task.sources[0], []
    net.look_ahead = lambda *_: looks.append(1) or torch.zeros(())
    net.embedding_loss = lambda _: 0.0
    steps = city.train[:8]
    losses = [net.loss(city, steps).item() for _ in range(4)]
    assert losses == [squared_error(net.network, city, steps).item()] * 4
    assert len(looks) == 2 and int(net.turn) == 4


def test_weights_move_when_an_epoch_ends(task):
    """0.6 of the old, 0.4 of the scorer's, which may be 0."""
    net, city = model(task), task.sources[0]
    with torch.inference_mode():
        wanted = 0.6 + 0.4 * net.scored(city)
        log = net.end_epoch(task.sources)
    torch.testing.assert_close(net.weights(city), wanted)
    assert log["weight_mean"] == pytest.approx(wanted.mean().item())
    assert net.loss(city, city.train[:8]).requires_grad


def test_a_better_weight_is_found_by_looking_ahead(task):
    """The gradient with respect to weights: a cell whose step harms the target goes down."""
    net, city = model(task, ahead=1, shrink=0.0, rate=0.1), task.sources[0]
    omega = torch.full((18,), 0.5, requires_grad=True)
    net.scored = lambda _: omega
    torch.manual_seed(3)
    first = net.look_ahead(city, 8)
    (gradient,) = torch.autograd.grad(first, omega)
    with torch.no_grad():
        better = omega - 1e-3 * gradient / gradient.norm()
    net.scored = lambda _: better.requires_grad_()
    torch.manual_seed(3)
    assert gradient.abs().max() > 0 and net.look_ahead(city, 8) < first


def test_embeddings_learn_alone_at_first(task):
    """Their steps move neither the network nor the scorer, whose first weights stay 1."""
    net, twin = model(task), model(task)
    embed_first(net, task, SETTINGS, 0, None)
    moved = {n for n, w in net.state_dict().items() if not torch.equal(w, twin.state_dict()[n])}
    assert moved and all(n.startswith(("embedding.", "edges.", "embedder.")) for n in moved)
    still = model(task)
    embed_first(still, task, replace(SETTINGS, selection=replace(SELECTION, first=0)), 0, None)
    assert all(torch.equal(w, twin.state_dict()[n]) for n, w in still.state_dict().items())


def test_an_epoch_of_dead_weights_is_no_candidate(task):
    """The released code stops there; what went before is kept."""
    net, city, plan = model(task, least=0.1), task.sources[0], SHORT
    with torch.inference_mode():
        assert net.error(plan, city) == scaled_rmse(net.network, city, plan)
        net.weights(city).fill_(0.099)
        assert net.error(plan, city) == float("inf")
        net.weights(city).fill_(0.101)
        assert net.error(plan, city) < float("inf")


def test_first_steps_and_the_stop_are_part_of_the_method(lender, make_grid, twelve):
    """Both were tested by themselves while the method might have called neither."""
    task = make_task(make_grid("c", rows=3, seed=4), [lender], twelve)

    def source(**changes):
        settings = replace(SETTINGS, selection=replace(SELECTION, **changes))
        curves = METHODS["CrossTReS"].fit(task, settings, 0, None).curves
        return {n: v for n, v in curves.items() if n.startswith("pickup_source")}

    plain, no_first, dead = source(), source(first=0), source(least=2.0)
    means = "pickup_source_weight_mean"
    assert plain[means] != no_first[means]
    errors = [n for n in plain if n.endswith("valid_rmse")]
    assert errors and all(map(math.isfinite, plain[errors[0]]))
    assert all(map(math.isinf, dead[errors[0]]))


def test_method_runs_logs_and_refuses_zero_shot(receiver, lender, make_grid, twelve):
    target = make_grid("c", rows=3, seed=4)
    fitted = METHODS["CrossTReS"].fit(make_task(target, [lender], twelve), SETTINGS, 0, None)
    assert {"pickup_source_weight_mean", "dropoff_target_valid_rmse"} <= set(fitted.curves)
    assert 0.6 <= fitted.curves["pickup_source_weight_mean"][0] <= 1
    with pytest.raises(DataError, match="no training day, CrossTReS"):
        METHODS["CrossTReS"].fit(make_task(target, [lender], twelve, days=0), SETTINGS, 0, None)
    with pytest.raises(DataError, match="receiver: CrossTReS needs the POI"):
        METHODS["CrossTReS"].fit(make_task(receiver, [lender], twelve), SETTINGS, 0, None)
