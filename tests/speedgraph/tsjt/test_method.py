"""Joint training: what its gradient is, who reaches whom, and that it learns."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.data.errors import DataError
from stflow_lib.data.schema import with_content_hash
from stflow_lib.runs import build_settings
from stflow_lib.speedgraph import make_task
from stflow_lib.speedgraph.networks import dcrnn
from stflow_lib.speedgraph.networks import graph_wavenet as gwn
from stflow_lib.speedgraph.networks.backbones import backbone
from stflow_lib.speedgraph.training.losses import masked_mae, source_loss
from stflow_lib.speedgraph.tsjt.controls import JOINT, TARGET_ONLY
from stflow_lib.speedgraph.tsjt.joint import joint_loss
from stflow_lib.speedgraph.tsjt.method import METHOD, TSJT, TSJT_GWN, TSJTSettings
from stflow_lib.speedgraph.tsjt.tsb import GradientRule
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters
from stflow_lib.training.surrogate import surrogate_value

SHORT = {"epochs": 2, "epoch_steps": 3, "batch": 4}
SMALL = {
    "sources": 6, "training": SHORT, "backbone": {"channels": 4, "mixed": 3},
    "prompting": {"width": 8, "patterns": 5, "dropout": 0.0},
}  # fmt: skip


def small(method=METHOD, **more):
    return build_settings(method, SMALL | more)


@pytest.fixture(scope="module")
def task(target, source):
    return make_task(target, [source])


@pytest.fixture
def network(task):
    torch.manual_seed(0)
    return TSJT(task, small())


def roads(task):
    network = TSJT(task, small())
    return {c.name: network.operators(c.weights) for c in (task.target, *task.sources)}


def test_given_gradient_is_the_gradient():
    p = torch.ones(2, 3, requires_grad=True)
    wanted = torch.arange(6.0).view(2, 3)
    value = surrogate_value(torch.tensor(7.0), [p], [wanted])
    value.backward()
    assert value.item() == 7 and torch.equal(p.grad, wanted)


def test_gradient_of_a_batch_is_the_combined_one(task, network):
    """Value of the target; gradient of the rule, from two passes over two parts."""
    settings = small(step={"target_weight": 0.5, "source_weight": 2.0})
    steps = task.target.train[:4]
    torch.manual_seed(1)
    loss = joint_loss(network, task, roads(task), settings, steps)
    loss.backward()
    found = [p.grad.clone() for p in network.parameters()]
    parameters = [*network.parameters()]
    error = masked_mae(network, task.target, roads(task), steps)
    torch.manual_seed(1)
    other = source_loss(network, task, roads(task), settings.sources)
    want = settings.step(
        torch.autograd.grad(error, parameters), torch.autograd.grad(other, parameters)
    )
    assert loss.item() == pytest.approx(error.item())
    for one, two in zip(found, want, strict=True):
        torch.testing.assert_close(one, two)


def test_source_windows_are_shared_out(target, source, make_speed):
    """124 among three cities are 42, 41 and 41, and each window weighs the same."""
    third = make_speed("third", seed=5)
    task = make_task(target, [source, third, make_speed("fourth", seed=6)])
    seen = {}

    def count(x, road):
        seen[x.shape[1], len(seen)] = len(x)
        return torch.zeros(*x.shape[:2], 6)

    source_loss(count, task, roads(task), 124)
    assert list(seen.values()) == [42, 41, 41]


def test_missing_labels_do_not_teach(task, network):
    """NaN would spread to every weight; a gap has no gradient."""
    city = task.target
    spoilt = replace(city, speed=torch.where(city.seen, city.speed, 1e9))
    steps = city.train[:8]
    one, two = (masked_mae(network, c, roads(task), steps) for c in (city, spoilt))
    assert torch.equal(one, two)


def test_counts_with_graph_wavenet(task):
    """Two road supports and A_K: 306,278 of the release, less what never learns."""
    whole = TSJT(task, TSJT_GWN.settings()).backbone
    assert count_parameters(whole) == 306_278 - 8 * 1_056 - (7 * 32 * 32 + 3 * 32)


def test_unknown_size():
    with pytest.raises(TypeError, match="dict: no backbone"):
        backbone({}, 2, 6, 12)


def test_every_backbone_trains(task):
    """The same batch, rule and prompts around each of them."""
    for size in (gwn.GWNSize(4, 6, 5), dcrnn.DCRNNSize(3)):
        settings = replace(small(), backbone=size)
        curves = METHOD.fit(task, settings, 0, None).curves
        assert len(curves["loss"]) == 2


@pytest.mark.parametrize("method", [METHOD, JOINT, TARGET_ONLY])
def test_fits_and_repeats(method, task):
    """The same seed gives the same bits; curves tell loss and validation."""
    one, two = (method.fit(task, small(method), 3, None) for _ in range(2))
    steps = task.test[:40]
    assert one(task, steps).shape == (40, 5, 6)
    assert torch.equal(one(task, steps), two(task, steps))
    assert set(one.curves) == {"loss", "valid_mae"}


def test_without_sources_it_is_the_target_alone(target, task):
    """The rule "target" and a task without sources are one training."""
    lonely = make_task(target)
    settings = small(step={"rule": "target", "target_weight": 1.0})
    one, two = METHOD.fit(task, settings, 0, None), METHOD.fit(lonely, settings, 0, None)
    torch.testing.assert_close(one(task, task.test[:5]), two(task, task.test[:5]))


def test_test_days_reach_nothing(target, source, task):
    other = target.copy(deep=True)
    other.speed.values[3 * 144 :] += 30
    changed = make_task(with_content_hash(other), [source])
    one, two = (METHOD.fit(t, small(), 0, None) for t in (task, changed))
    assert torch.equal(one(task, task.test[:5]), two(task, task.test[:5]))


def test_ablations_change_the_network(task):
    """Without A_K one graph less; without prompts two features remain."""
    whole = TSJT(task, small())
    roads_only = TSJT(task, small(use_knowledge=False))
    bare = TSJT(task, small(use_prompts=False))
    count = lambda n: len(n.backbone.blocks[0].maps)
    assert (count(whole), count(roads_only), count(bare)) == (2, 1, 1)
    assert bare.prompting is None and bare.backbone.blocks[0].before.p.in_channels == 2


def test_it_learns(task):
    """Validation falls on a clear rhythm."""
    plan = {"epochs": 6, "epoch_steps": 20, "batch": 4, "learning_rate": 3e-3}
    curve = METHOD.fit(task, small(training=plan), 0, None).curves["valid_mae"]
    assert min(curve) < 0.95 * curve[0]


def test_no_day_is_an_error(target, source):
    with pytest.raises(DataError, match="target: no day to learn from"):
        METHOD.fit(make_task(target, [source], days=0), TSJTSettings(), 0, None)


def test_defaults_are_the_papers():
    settings = METHOD.settings()
    assert (settings.training.batch, settings.sources) == (4, 124)
    assert settings.step == GradientRule("tsb", 0.2, 0.001, "tensor")
    assert isinstance(settings.training, Training)
