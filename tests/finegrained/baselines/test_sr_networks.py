"""What SRCNN, ESPCN, DeepSD and LapSRN share: sizes, constraint, a live start, training."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import METHODS, make_task
from stflow_lib.finegrained.baselines.deepsd import DeepSD
from stflow_lib.finegrained.baselines.espcn import ESPCN
from stflow_lib.finegrained.baselines.lapsrn import LapSRN
from stflow_lib.finegrained.baselines.srcnn import SRCNN
from stflow_lib.finegrained.training.supervised import validate
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

NETWORKS = {kind.__name__: kind for kind in (SRCNN, ESPCN, DeepSD, LapSRN)}


def block_sums(fine, factor):
    return F.avg_pool2d(fine, factor) * factor**2


@pytest.mark.parametrize(
    "name, factor, changes, count",
    [
        ("SRCNN", 4, {}, 216_961),
        ("SRCNN", 2, {}, 216_961),
        ("ESPCN", 4, {}, 86_352),
        ("ESPCN", 2, {}, 79_428),
        ("DeepSD", 4, {}, 433_922),
        ("DeepSD", 2, {}, 216_961),
        ("LapSRN", 4, {}, 870_112),
        ("LapSRN", 2, {}, 435_344),
        ("LapSRN", 4, {"channels": 128}, 3_476_896),
    ],
)
def test_parameter_counts(build, tasks, name, factor, changes, count):
    """A wrong kernel, width or bias, or levels that share weights."""
    assert count_parameters(build(NETWORKS[name], tasks[factor], **changes)) == count


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", NETWORKS)
def test_m2_keeps_every_vehicle(build, output, tasks, name, factor):
    """Also the fine shape; broken when anything but the bare coarse map is split."""
    task = tasks[factor]
    fine = output(
        build(NETWORKS[name], task, channels=16, activation="shifted", safe=True), task
    )
    assert fine.shape == task.fine[task.train].shape and (fine >= 0).all()
    torch.testing.assert_close(block_sums(fine, factor), task.coarse[task.train])


@pytest.mark.parametrize("name", NETWORKS)
def test_plain_regression_is_not_clipped(build, output, tasks, name):
    """Turning the sign of the last layer turns the output's; a hidden ReLU would cut half of it."""
    network = build(NETWORKS[name], tasks[4], channels=16, constraint="none")
    before = output(network, tasks[4])
    with torch.no_grad():
        for parameter in last_layer(network):
            parameter.neg_()
    after = output(network, tasks[4])
    torch.testing.assert_close(before, -after)
    assert before.any() and ((before < 0).any() or (after < 0).any())


def last_layer(network):
    """The parameters that the output is linear in."""
    if isinstance(network, LapSRN):
        return [network.levels[-1].residual.weight, network.levels[-1].image.weight]
    layers = network.layers if isinstance(network, ESPCN) else network.stages[-1].layers
    return [*[layer for layer in layers if hasattr(layer, "weight")][-1].parameters()]


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_every_parameter_learns_from_the_start(build, output, tasks, name, factor, seed):
    """Not only alive: above Adam's epsilon of 1e-8, below which a parameter stands still."""
    task = tasks[factor]
    network = build(NETWORKS[name], task, seed, channels=16, activation="shifted")
    F.mse_loss(output(network, task), task.fine[task.train]).backward()
    weakest = min((p.grad.abs().max().item(), n) for n, p in network.named_parameters())
    assert weakest[0] > 1e-6, weakest


@pytest.mark.parametrize("name", ["DeepSD", "LapSRN"])
@pytest.mark.parametrize("factor", [1, 3, 6])
def test_only_doublings_can_be_stacked(build, make_city, name, factor):
    task = make_task(make_city(rows=12, cols=12), factor)
    with pytest.raises(ValueError, match=f"upscaling factor {factor} is not a power of two"):
        build(NETWORKS[name], task)


@pytest.mark.parametrize("name", ["SRCNN", "ESPCN"])
def test_one_step_takes_any_factor(build, output, make_city, name):
    task = make_task(make_city(rows=12, cols=12), 3)
    fine = output(build(NETWORKS[name], task, channels=4, safe=True), task)
    torch.testing.assert_close(block_sums(fine, 3), task.coarse[task.train])


@pytest.mark.parametrize("name", NETWORKS)
def test_unknown_constraint_is_an_error(build, tasks, name):
    with pytest.raises(ValueError, match="constraint 'm3': want one of"):
        build(NETWORKS[name], tasks[2], constraint="m3")


@pytest.mark.parametrize("name", ["SRCNN", "DeepSD"])
def test_input_scale_divides_what_is_seen(build, output, tasks, name):
    task, settings = tasks[4], {"channels": 8, "constraint": "none"}
    tenth = replace(task, coarse=task.coarse / 10)
    scaled = output(build(NETWORKS[name], task, input_scale=10.0, **settings), task)
    torch.testing.assert_close(scaled, output(build(NETWORKS[name], tenth, **settings), tenth))


@pytest.mark.parametrize("constraint", ["m2", "none"])
@pytest.mark.parametrize("name", NETWORKS)
def test_three_epochs_lower_the_validation_error(tasks, name, constraint):
    """From the untrained network, at the wing's usual rate."""
    task, method = tasks[2], METHODS[name]
    plan = Training(epochs=3, epoch_steps=10, halve_every=0, precision="float32")
    settings = method.settings(
        channels=8, constraint=constraint, activation="shifted", safe=True, training=plan
    )
    untrained = method.fit(
        task, replace(settings, training=replace(plan, epochs=1, learning_rate=0.0)), 0, None
    )
    fitted = method.fit(task, settings, 0, None)
    assert fitted.epochs == 3 and fitted.notes["collapsed"] is False
    before, after = (validate(task, f)["valid_rmse"] for f in (untrained, fitted))
    assert after < 0.99 * before
