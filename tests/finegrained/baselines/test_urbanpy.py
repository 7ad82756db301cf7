"""UrbanPy: a cascade whose every stage keeps the vehicles."""

from dataclasses import replace
from math import log

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import METHODS, make_task, score
from stflow_lib.finegrained.baselines import urbanpy
from stflow_lib.finegrained.baselines.urbanpy import LocalConvolution, UrbanPy, UrbanPySettings
from stflow_lib.finegrained.networks.layers import upsample_nearest
from stflow_lib.finegrained.networks.scales import block_sums, deviations
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

TAXIBJ = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")
SMALL = UrbanPySettings(channels=4, blocks=1, activation="shifted", safe=True,
                 training=Training(epochs=4, learning_rate=1e-3, precision="float32"))  # fmt: skip


@pytest.fixture(scope="module", params=[2, 4])
def city_task(request, make_city):
    """8 x 16 fine cells by M = 2 and M = 4, calendar factors."""
    return make_task(make_city(), request.param)


def network(task, **changes):
    torch.manual_seed(0)
    return UrbanPy(task, replace(SMALL, **changes))


@pytest.mark.parametrize(
    "rows, cols, factor, external, count",
    [
        (128, 128, 4, False, 11_831_538),
        (128, 128, 4, True, 11_985_338),
        (80, 40, 2, False, 5_668_089),
    ],
)
def test_the_printed_size(make_city, rows, cols, factor, external, count):
    """A lost bias, a shared local matrix or a density left out of the proposal shows here."""
    task = make_task(make_city(steps=4, rows=rows, cols=cols, external=TAXIBJ), factor)
    assert count_parameters(UrbanPy(task, UrbanPySettings(external=external))) == count


@pytest.mark.parametrize("side", [2, 4])
def test_local_convolution_is_a_matrix_for_every_block(side):
    """Rows and columns of blocks swapped, or a block's matrix used for its neighbour."""
    torch.manual_seed(1)
    local, x = LocalConvolution(2, 3, 5, side), torch.randn(4, 2, 3 * side, 5 * side)
    want = torch.zeros(4, 1, 3 * side, 5 * side)
    for sample in range(4):
        for row in range(3):
            for col in range(5):
                here = (
                    slice(row * side, (row + 1) * side),
                    slice(col * side, (col + 1) * side),
                )
                matrix = local.weight[row * 5 + col]
                want[sample, 0][here] = (x[sample][:, *here].flatten() @ matrix).view(
                    side, side
                )
    torch.testing.assert_close(local(x), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("external", [False, True])
def test_every_stage_keeps_the_vehicles(city_task, external):
    """A stage normalised by the block of another one passes on shares of something else."""
    net = network(city_task, external=external).eval()
    coarse, known = city_task.coarse[:3], city_task.external[:3]
    densities = net.densities(coarse, known)
    rows, cols = coarse.shape[2:]
    sides = [2, 4][: len(densities)]
    assert sides[-1] == city_task.factor
    for side, density in zip(sides, densities, strict=True):
        assert density.shape == (3, 1, rows * side, cols * side) and (density >= 0).all()
        sums = block_sums(density, side)
        torch.testing.assert_close(sums, torch.ones_like(sums), rtol=1e-4, atol=0)
    fine = net(coarse, known)
    assert fine.shape == city_task.fine[:3].shape
    sums = block_sums(fine, city_task.factor)
    torch.testing.assert_close(sums, coarse, rtol=1e-4, atol=0)


def naive_divergence(density, truth, coarse):
    """The definition, cell by cell: full blocks only, their mean, the batch's mean."""
    side, total = density.shape[2] // coarse.shape[2], 0.0
    for d, t, x in zip(
        density[:, 0].tolist(), truth[:, 0].tolist(), coarse[:, 0].tolist(), strict=True
    ):
        blocks, sample = 0, 0.0
        for row, values in enumerate(x):
            for col in [c for c, value in enumerate(values) if value > 0]:
                blocks += 1
                for i in range(row * side, (row + 1) * side):
                    for j in range(col * side, (col + 1) * side):
                        y = t[i][j] + 1e-9
                        sample += y * log(y / (d[i][j] + 1e-9))
        total += sample / max(blocks, 1) / len(coarse)
    return total


@pytest.mark.parametrize("side", [2, 4])
def test_divergence_counts_full_blocks_only(side):
    """An empty block has no density; a map without vehicles must not give NaN."""
    torch.manual_seed(2)
    coarse = torch.randint(0, 3, (3, 1, 2, 3)).float()
    coarse[2], coarse[0, 0, 0, 0], coarse[1, 0, 1, 2] = 0, 0, 4
    shares = [torch.rand(3, 1, 2 * side, 3 * side) for _ in range(2)]
    shares[1][0, 0, 0, 0] = shares[0][1, 0, -1, -1] = 0  # both logarithms meet a zero
    shares = [d / upsample_nearest(block_sums(d, side), side) for d in shares]
    found = urbanpy.divergence(*shares, coarse)
    assert found.item() == pytest.approx(naive_divergence(*shares, coarse), rel=1e-5)
    assert found > 0
    assert urbanpy.divergence(shares[0], shares[0], coarse).item() == pytest.approx(0, abs=1e-6)


def test_the_loss_is_the_sum_over_stages(make_city):
    """Error and divergence of each stage, flows divided by the scale of that stage."""
    task, batch = make_task(make_city(), 4), torch.tensor([0, 5, 9])
    net = network(task, divergence=0.25).eval()
    net.scales = torch.tensor([7.0, 3.0, 2.0])
    fine, coarse = task.fine[batch], task.coarse[batch]
    want = 0.0
    for side, scale, density in zip(
        (2, 4), (3, 2), net.densities(coarse, task.external[batch]), strict=True
    ):
        target, parent = block_sums(fine, 4 // side), upsample_nearest(coarse, side)
        known = torch.where(parent > 0, target / parent, 0.0)
        want += 0.75 * F.mse_loss(density * parent, target).item() / scale**2
        want += 0.25 * naive_divergence(density, known, coarse)
    assert urbanpy.staged_error(net, task, batch).item() == pytest.approx(want, rel=1e-4)


def test_a_perfect_network_has_no_loss(make_city):
    """Targets of another stage or of another resolution would leave an error."""
    task, batch = make_task(make_city(), 4), torch.arange(6)
    net = network(task)
    coarse = task.coarse[batch]

    def truth(*_):
        sums = {s: block_sums(task.fine[batch], 4 // s) for s in (2, 4)}
        return [y / upsample_nearest(coarse, s).clamp_min(1e-9) for s, y in sums.items()]

    net.densities = truth
    assert urbanpy.staged_error(net, task, batch).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "rows, cols, factor, scales",
    [
        (128, 128, 4, (1500, 400, 100)),
        (32, 32, 4, (8000, 3000, 1500)),
        (80, 32, 2, (1500, 400)),  # sqrt(40 * 16) = 25.3 is nearer to 32 than to 16
        (8, 16, 4, (8000, 8000, 3000)),  # smaller than any published side
    ],
)
def test_published_scales_are_those_of_the_nearest_side(make_city, rows, cols, factor, scales):
    """Flows enter scaled as published wherever a side was published."""
    task = make_task(make_city(steps=4, rows=rows, cols=cols), factor)
    assert network(task, scales="published").scales.tolist() == [*scales]


def test_the_squared_error_of_an_ordinary_start_outweighs_the_divergence(make_city):
    """By Beijing's constants 0.01 KL was over a thousand times the error of a quiet city, which
    nobody then trained."""
    task, batch = make_task(make_city(), 4), torch.arange(12)
    net = network(task)
    assert torch.equal(net.scales, deviations(task, (1, 2, 4)))
    coarse = task.coarse[batch]
    even = [torch.ones(len(batch), 1, 2 * s, 4 * s) / s**2 for s in (2, 4)]
    net.densities = lambda *_: even
    whole = urbanpy.staged_error(net, task, batch).item()
    shares = [block_sums(task.fine[batch], 4 // s) for s in (2, 4)]
    known = [y / upsample_nearest(coarse, s).clamp_min(1e-9)
             for s, y in zip((2, 4), shares, strict=True)]  # fmt: skip
    divergence = sum(urbanpy.divergence(d, t, coarse).item()
                     for d, t in zip(even, known, strict=True))  # fmt: skip
    assert 0.01 * divergence < 0.5 * whole


@pytest.mark.parametrize("constraint", ["none", "m2_signed"])
def test_densities_need_the_constraint(task, constraint):
    with pytest.raises(ValueError, match=f"UrbanPy: constraint '{constraint}'"):
        network(task, constraint=constraint)


def test_external_without_factors_is_an_error(make_city):
    with pytest.raises(ValueError, match="switched on, but the city has none"):
        network(make_task(make_city(zone="nominal"), 2), external=True)


@pytest.mark.parametrize("external", [False, True])
def test_alive_at_the_start(city_task, external):
    """A stage cut off from the loss would keep its random weights. In training mode, as trained."""
    net = network(city_task, channels=16, external=external).train()
    coarse = city_task.coarse[city_task.train]
    fine = net(coarse, city_task.external[city_task.train])
    assert block_losses(fine, coarse, city_task.factor)[1] == 0
    urbanpy.staged_error(net, city_task, city_task.train).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


@pytest.mark.parametrize(
    "method", [METHODS["UrbanPy"], METHODS["UrbanPy+E"]], ids=lambda m: m.name
)
def test_training_lowers_the_error_and_keeps_the_vehicles(make_city, method):
    """Also through the registry's door: settings by name, external factors on in "+E"."""
    task = make_task(make_city(steps=160, seed=5), 4)
    settings = replace(method.settings(), channels=8, blocks=1, activation="shifted", safe=True,
                       training=replace(SMALL.training, epochs=8, learning_rate=1e-2))  # fmt: skip
    assert settings.external == method.name.endswith("+E")
    fitted = method.fit(task, settings, 0, None)
    curve = fitted.curves["valid_rmse"]
    assert min(curve) < 0.98 * curve[0] and not fitted.notes["collapsed"]
    assert score(task, fitted)["metrics"]["conservation"] <= 1e-4


def test_bfloat16_splits_in_single_precision(city_task):
    """Shares in bfloat16 would lose a vehicle in every few hundred."""
    net = network(city_task, external=True).eval()
    coarse = city_task.coarse[:4]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fine = net(coarse, city_task.external[:4])
    assert fine.dtype == torch.float32
    sums = block_sums(fine, city_task.factor)
    torch.testing.assert_close(sums, coarse, rtol=1e-4, atol=0)
