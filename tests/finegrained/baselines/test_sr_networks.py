"""The four small super-resolution networks: sizes, constraint, interpolation, start, training."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.baselines import deepsd, espcn, lapsrn, srcnn
from stflow_lib.finegrained.training.supervised import validate
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

NETWORKS = {
    "SRCNN": (srcnn.SRCNN, srcnn.METHOD),
    "ESPCN": (espcn.ESPCN, espcn.METHOD),
    "DeepSD": (deepsd.DeepSD, deepsd.METHOD),
    "LapSRN": (lapsrn.LapSRN, lapsrn.METHOD),
}


@pytest.fixture(scope="module")
def tasks(make_city):
    """The hand-made city by M."""
    return {m: make_task(make_city(), m) for m in (2, 4)}


def build(name, task, seed=0, **changes):
    torch.manual_seed(seed)
    network, method = NETWORKS[name]
    return network(task, method.settings(**changes))


def output(network, task):
    """The network on the training part."""
    return network(task.coarse[task.train], task.external[task.train])


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
def test_parameter_counts(tasks, name, factor, changes, count):
    """A wrong kernel, width or bias, or levels that share weights."""
    assert count_parameters(build(name, tasks[factor], **changes)) == count


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", NETWORKS)
def test_m2_keeps_every_vehicle(tasks, name, factor):
    """Also the fine shape; broken when anything but the bare coarse map is split."""
    task = tasks[factor]
    fine = output(build(name, task, channels=16, activation="shifted", safe=True), task)
    assert fine.shape == task.fine[task.train].shape and (fine >= 0).all()
    torch.testing.assert_close(block_sums(fine, factor), task.coarse[task.train])


@pytest.mark.parametrize("name", NETWORKS)
def test_plain_regression_is_not_clipped(tasks, name):
    """Turning the sign of the last layer turns the output's; a hidden ReLU would cut half of it."""
    network = build(name, tasks[4], channels=16, constraint="none")
    before = output(network, tasks[4])
    with torch.no_grad():
        for parameter in last_layer(network):
            parameter.neg_()
    after = output(network, tasks[4])
    torch.testing.assert_close(before, -after)
    assert before.any() and ((before < 0).any() or (after < 0).any())


def last_layer(network):
    """The parameters that the output is linear in."""
    if isinstance(network, lapsrn.LapSRN):
        return [network.levels[-1].residual.weight, network.levels[-1].image.weight]
    layers = network.layers if isinstance(network, espcn.ESPCN) else network.stages[-1].layers
    return [*[layer for layer in layers if hasattr(layer, "weight")][-1].parameters()]


def test_deepsd_at_two_is_srcnn(tasks):
    """Why the paper leaves DeepSD out of its table of BikeNYC; at four it is another network."""
    one, other = (build(name, tasks[2], channels=8) for name in ("SRCNN", "DeepSD"))
    weights = one.state_dict()
    other.load_state_dict(weights)
    assert torch.equal(output(one, tasks[2]), output(other, tasks[2]))
    assert len(build("DeepSD", tasks[4], channels=8).state_dict()) == 2 * len(weights)


def test_every_stage_of_deepsd_doubles(tasks):
    """Stages that all enlarge by M, or that forget the division by 4, show here."""
    network, seen = build("DeepSD", tasks[4], channels=8), []
    for stage in network.stages:
        stage.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    output(network, tasks[4])
    rows = tasks[4].coarse.shape[2]
    assert [x.shape[2] for x in seen] == [2 * rows, 4 * rows]
    torch.testing.assert_close(seen[0], srcnn.bicubic(tasks[4].coarse[tasks[4].train], 2))


def cubic(distance, a=-0.75):
    """Keys' kernel of cubic convolution."""
    d = abs(distance)
    if d < 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


@pytest.mark.parametrize("factor", [2, 4])
def test_bicubic_input(factor):
    """Against the kernel written out; one count inside the map keeps its sum, a plain its mean."""
    counts = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    counts[0, 0, 3, 3] = 48.0
    fine = srcnn.bicubic(counts, factor)
    line = torch.tensor([cubic((i + 0.5) / factor - 3.5) for i in range(7 * factor)]).double()
    torch.testing.assert_close(fine[0, 0], 48 / factor**2 * torch.outer(line, line))
    assert fine.sum().item() == pytest.approx(48)
    plain = srcnn.bicubic(torch.full((1, 1, 3, 5), 48.0), factor)
    torch.testing.assert_close(plain, torch.full_like(plain, 48 / factor**2))


def hat(distance):
    return max(0.0, 1 - abs(distance))


@pytest.mark.parametrize("factor", [2, 4])
def test_lapsrn_starts_from_an_interpolated_map(tasks, factor):
    """Residuals off: linear interpolation, twice at M = 4, of the counts per fine cell."""
    task = tasks[factor]
    network = build("LapSRN", task, channels=4, layers=1, constraint="none")
    for level in network.levels:
        torch.nn.init.zeros_(level.residual.weight)
    want = task.coarse[task.train] / factor**2
    for _ in network.levels:
        rows, cols = (torch.tensor([[hat((i + 0.5) / 2 - j - 0.5) for j in range(n)]
                                    for i in range(2 * n)]) for n in want.shape[2:])  # fmt: skip
        want = rows @ want @ cols.T
    torch.testing.assert_close(output(network, task), want)


@pytest.mark.parametrize("layers", [0, 3])
def test_lapsrn_depth(tasks, layers):
    """`layers` convolutions before each doubling."""
    sizes = [
        count_parameters(build("LapSRN", tasks[4], channels=8, layers=n)) for n in (0, layers)
    ]
    assert sizes[1] - sizes[0] == 2 * layers * 9 * 8 * 8


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_every_parameter_learns_from_the_start(tasks, name, factor, seed):
    """Not only alive: above Adam's epsilon of 1e-8, below which a parameter stands still."""
    task = tasks[factor]
    network = build(name, task, seed, channels=16, activation="shifted")
    F.mse_loss(output(network, task), task.fine[task.train]).backward()
    weakest = min((p.grad.abs().max().item(), n) for n, p in network.named_parameters())
    assert weakest[0] > 1e-6, weakest


@pytest.mark.parametrize("name", ["DeepSD", "LapSRN"])
@pytest.mark.parametrize("factor", [1, 3, 6])
def test_only_doublings_can_be_stacked(make_city, name, factor):
    task = make_task(make_city(rows=12, cols=12), factor)
    with pytest.raises(ValueError, match=f"upscaling factor {factor} is not a power of two"):
        build(name, task)


@pytest.mark.parametrize("name", ["SRCNN", "ESPCN"])
def test_one_step_takes_any_factor(make_city, name):
    task = make_task(make_city(rows=12, cols=12), 3)
    fine = output(build(name, task, channels=4, safe=True), task)
    torch.testing.assert_close(block_sums(fine, 3), task.coarse[task.train])


@pytest.mark.parametrize("name", NETWORKS)
def test_unknown_constraint_is_an_error(tasks, name):
    with pytest.raises(ValueError, match="constraint 'm3': want one of"):
        build(name, tasks[2], constraint="m3")


def test_input_scale_rescues_a_dead_start(tasks):
    """Counts in the thousands push whole blocks below zero; what is split stays in vehicles."""
    task = replace(tasks[4], coarse=tasks[4].coarse * 1000)
    dead = {}
    for scale in (1.0, 1e4):
        settings = {"channels": 16, "activation": "shifted", "input_scale": scale}
        fine = [output(build("SRCNN", task, seed, **settings), task) for seed in range(6)]
        dead[scale] = sum((block_sums(f, 4) == 0).sum().item() for f in fine)
    assert dead[1.0] > dead[1e4] == (task.coarse[task.train] == 0).sum() * 6
    torch.testing.assert_close(
        block_sums(fine[-1], 4), task.coarse[task.train], rtol=1e-3, atol=0
    )


@pytest.mark.parametrize("name", ["SRCNN", "DeepSD"])
def test_input_scale_divides_what_is_seen(tasks, name):
    task, settings = tasks[4], {"channels": 8, "constraint": "none"}
    tenth = replace(task, coarse=task.coarse / 10)
    scaled = output(build(name, task, input_scale=10.0, **settings), task)
    torch.testing.assert_close(scaled, output(build(name, tenth, **settings), tenth))


@pytest.mark.parametrize("constraint", ["m2", "none"])
@pytest.mark.parametrize("name", NETWORKS)
def test_three_epochs_lower_the_validation_error(tasks, name, constraint):
    """From the untrained network, at the wing's usual rate."""
    task, method = tasks[2], NETWORKS[name][1]
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
