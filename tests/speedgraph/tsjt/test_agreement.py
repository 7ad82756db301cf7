"""Agreement of gradients: known angles, layers by name, and a look that disturbs no training."""

from functools import partial

import pytest
import torch
from torch import nn

from stflow_lib.runs import build_settings
from stflow_lib.speedgraph.training.losses import masked_mae, validation_mae
from stflow_lib.speedgraph.tsjt.agreement import (
    agreement,
    by_layer,
    gradient_log,
    layer_of,
    layers_of,
    source_share,
    target_and_source_gradients,
)
from stflow_lib.speedgraph.tsjt.joint import joint_loss
from stflow_lib.speedgraph.tsjt.method import METHOD, TSJT
from stflow_lib.speedgraph.tsjt.tsb import GradientRule
from stflow_lib.training.loop import train


@pytest.fixture(scope="module")
def settings():
    small = {
        "backbone": {"channels": 4, "mixed": 2},
        "prompting": {"width": 4, "patterns": 3},
        "sources": 3,
        "training": {"epochs": 2, "epoch_steps": 2, "batch": 2},
    }
    return build_settings(METHOD, small)


@pytest.fixture
def network(task, settings):
    torch.manual_seed(0)
    return TSJT(task, settings)


def roads(task, network):
    return {c.name: network.operators(c.weights) for c in (task.target, *task.sources)}


@pytest.mark.parametrize(
    "name, layer",
    [
        ("prompting.encoder.norms.0.weight", "encoder"),
        ("prompting.patterns", "patterns"),
        ("backbone.blocks.1.maps.0", "blocks.1"),
        ("backbone.layers.3.signal.bias", "layers.3"),
        ("backbone.head.weight", "head"),
        ("weight", "weight"),
    ],
)
def test_layers_have_short_names(name, layer):
    assert layer_of(name) == layer


def test_every_tensor_is_in_one_layer_and_in_all(network):
    """A tensor left out would make the sum of layers another gradient."""
    layers = layers_of(network)
    everything = [*range(len([*network.parameters()]))]
    assert layers.pop("all") == everything
    assert sorted(place for at in layers.values() for place in at) == everything
    assert [*layers] == ["patterns", "encoder", "blocks.0", "blocks.1", "last", "head"]


def test_known_angles():
    """Equal, opposite and square gradients; the share counts numbers and not tensors."""
    net = nn.ModuleDict({"net": nn.ModuleDict({"a": nn.Linear(3, 1), "b": nn.Linear(1, 1)})})
    one = [torch.ones_like(p) for p in net.parameters()]
    mixed = [-one[0], one[1], one[2], -one[3]]
    same, other = agreement(net, one, one), agreement(net, one, mixed)
    assert same["all"] == pytest.approx({"cosine": 1, "opposed": 0})
    assert other["a"] == pytest.approx({"cosine": -0.5, "opposed": 0.75})
    assert other["b"] == pytest.approx({"cosine": 0, "opposed": 0.5})
    assert other["all"] == pytest.approx({"cosine": -2 / 6, "opposed": 4 / 6})
    nothing = [torch.zeros_like(p) for p in net.parameters()]
    assert agreement(net, one, nothing)["all"] == {"cosine": 0.0, "opposed": 0.0}


def test_pulls_are_the_gradients_of_both_errors(task, network):
    steps = task.target.train[:4]
    found, other = target_and_source_gradients(network, task, roads(task, network), steps, 3)
    error = masked_mae(network, task.target, roads(task, network), steps)
    want = torch.autograd.grad(error, [*network.parameters()])
    for a, b in zip(found, want, strict=True):
        torch.testing.assert_close(a, b)
    assert not torch.equal(found[0], other[0])


def test_share_of_the_sources():
    """Half as long and weighted by a tenth: a twentieth; a filtered one is shorter."""
    t, s = [torch.tensor([2.0, 0.0])], [torch.tensor([0.0, 1.0])]
    assert source_share(t, s, GradientRule("sum", 1.0, 0.1)) == pytest.approx(0.05)
    against = [torch.tensor([-3.0, 1.0])]
    assert source_share(t, against, GradientRule("tsb", 1.0, 0.1)) == pytest.approx(0.05)
    assert source_share(t, s, GradientRule("target", 1.0, 1.0)) == 0
    assert source_share(t, s, GradientRule("sum", 0.2, 0.1)) == pytest.approx(0.25)


def test_a_look_repeats_and_moves_nothing(task, network, settings):
    """The same batches at every call; no random number is used up, no gradient is left."""
    look = partial(gradient_log, network.eval(), task, roads(task, network), settings.step,
                   source_windows=3, draws=2)  # fmt: skip
    state = torch.get_rng_state()
    assert look() == look()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in network.parameters())


def test_a_training_is_the_same_when_it_is_watched(task, settings):
    """Scores are taken in inference mode, where gradients are off: the look turns them on."""

    def trained(look):
        torch.manual_seed(0)
        network = TSJT(task, settings)
        graphs = roads(task, network)
        values = lambda: (
            {"valid_mae": validation_mae(network, task.target, graphs, task.target.valid)}
            | (
                gradient_log(network, task, graphs, settings.step, source_windows=3, draws=1)
                if look
                else {}
            )
        )
        loss = partial(joint_loss, network, task, graphs, settings)
        history = train(network, loss, task.target.train, values, settings.training, seed=0)
        return network, history.curves

    (one, curves), (two, plain) = trained(True), trained(False)
    assert curves["valid_mae"] == plain["valid_mae"]
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)
    frame = by_layer(curves, "cosine")
    assert [*frame.columns] == [1, 2] and [*frame.index][-1] == "all"
    assert frame.abs().max().max() <= 1 and frame.loc["head", 2] == curves["cosine head"][1]
