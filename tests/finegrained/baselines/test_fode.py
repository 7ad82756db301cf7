"""FODE: the Runge-Kutta step, its two variants, augmented normalisation."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained import METHODS, make_task, score
from stflow_lib.finegrained.baselines import fode
from stflow_lib.finegrained.baselines.fode import FODE, FODESettings, runge_kutta
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.finegrained.problem.scoring import block_losses
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

TAXIBJ = ("temperature", "wind", "holiday", "weekend", "weekday", "hour", "weather")
SMALL = FODESettings(channels=8, activation="shifted", safe=True,
                 training=Training(epochs=4, learning_rate=1e-3, precision="float32"))  # fmt: skip
BOTH = pytest.mark.parametrize("variant", ["4m", "cufar"])


@pytest.fixture(scope="module", params=[2, 4])
def city_task(request, make_city):
    """8 x 16 fine cells by M = 2 and M = 4, calendar factors."""
    return make_task(make_city(), request.param)


def network(task, **changes):
    torch.manual_seed(0)
    return FODE(task, replace(SMALL, **changes))


@pytest.mark.parametrize(
    "factor, changes, count",
    [
        (4, {"external": True}, 4_438_031),
        (4, {}, 4_153_601),
        (2, {}, 3_562_241),
        (4, {"variant": "cufar", "external": True}, 2_131_423),
        (4, {"variant": "cufar"}, 1_913_361),
    ],
)
def test_the_known_sizes(make_city, factor, changes, count):
    """A wrong kernel, a shared gate or an equation too few shows here."""
    city = make_city(steps=4, rows=32 * factor, cols=32 * factor, external=TAXIBJ)
    assert count_parameters(FODE(make_task(city, factor), FODESettings(**changes))) == count


def test_a_linear_equation_gives_the_exponential_to_fourth_order():
    """Any fourth-order step must: sum of A^k x / k! for k = 0..4, and nothing beyond."""
    torch.manual_seed(1)
    matrix, state = torch.randn(5, 5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    want, term = state.clone(), state
    for k in range(1, 5):
        term = matrix @ term / k
        want = want + term
    found = runge_kutta(lambda x: matrix @ x, state)
    torch.testing.assert_close(found, want, rtol=1e-12, atol=1e-12)


def test_a_nonlinear_equation_follows_the_three_eighths_tableau():
    """The classical rule has order 4 too, and other stages: only the tableau tells them apart."""
    inner = [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]]
    outer = [1 / 8, 3 / 8, 3 / 8, 1 / 8]
    slope = lambda x: torch.sin(3 * x) + x**2
    state, slopes = torch.linspace(-1, 1, 7, dtype=torch.float64), []
    for row in inner:
        slopes.append(slope(state + sum(a * k for a, k in zip(row, slopes, strict=True))))
    want = state + sum(b * k for b, k in zip(outer, slopes, strict=True))
    torch.testing.assert_close(runge_kutta(slope, state), want, rtol=1e-12, atol=1e-12)


def test_an_equation_solves_its_own_layers():
    """The layers are the slope: applied once, as in a residual block, they are something else."""
    equation = fode.row_equation(6).double()
    state = torch.randn(2, 1, 3, 6, dtype=torch.float64)
    slope = torch.nn.Sequential(*equation)
    torch.testing.assert_close(equation(state), runge_kutta(slope, state))
    assert not torch.allclose(equation(state), state + slope(state), atol=1e-4)


def test_rows_are_solved_one_by_one():
    """The external equation mixes the columns of a row, never rows."""
    equation, state = fode.row_equation(6), torch.randn(2, 1, 3, 6)
    changed = state.clone()
    changed[:, :, 1] += 1
    moved = (equation(changed) != equation(state)).any(3)
    assert moved[..., 1].all() and not moved[..., [0, 2]].any()


@pytest.mark.parametrize("channels, groups", [(4, 4), (16, 16), (64, 32), (128, 32)])
def test_groups_of_a_narrow_network(channels, groups):
    norms = [m for m in fode.feature_equation(channels) if isinstance(m, torch.nn.GroupNorm)]
    assert [norm.num_groups for norm in norms] == [groups] * 2


def test_the_gates_read_mean_and_peak():
    """Each gate its own map of every channel; swapped or shared gates give other factors."""
    torch.manual_seed(2)
    gated, features = fode.Gated(32, 3, 5).eval(), torch.randn(2, 32, 3, 5)
    inside = features + gated.equation(features)
    normed = F.layer_norm(inside, inside.shape[1:])
    conv = gated.residual[2]
    inside = inside + F.relu(conv(F.relu(normed)))
    mean, peak = inside.flatten(2).mean(2), inside.flatten(2).max(2).values
    gate = torch.sigmoid(gated.mean_gate(mean) + gated.peak_gate(peak))
    want = inside * gate.view(2, 32, 1, 1)
    torch.testing.assert_close(gated(features), want, rtol=1e-4, atol=1e-5)


def naive_augmented(raw, weather, coarse, factor):
    """Block by block: p = M2(ReLU), q likewise, M2(p (1 + sigmoid(q))) X."""
    fine = torch.zeros_like(raw)
    for row in range(coarse.shape[2]):
        for col in range(coarse.shape[3]):
            here = (..., slice(row * factor, (row + 1) * factor),
                    slice(col * factor, (col + 1) * factor))  # fmt: skip
            share, pull = (m[here].clamp_min(0) for m in (raw, weather))
            share, pull = (m / (m.sum((2, 3), keepdim=True) + 1e-5) for m in (share, pull))
            share = share * (1 + 1 / (1 + torch.exp(-pull)))
            share = share / (share.sum((2, 3), keepdim=True) + 1e-5)
            fine[here] = share * coarse[:, :, row, col, None, None]
    return fine


@pytest.mark.parametrize("factor", [2, 4])
def test_augmented_normalisation(factor):
    """Weather moves vehicles inside a block, never out of it."""
    torch.manual_seed(3)
    coarse = torch.randint(0, 40, (2, 1, 3, 5)).float()
    raw, weather = (torch.randn(2, 1, 3 * factor, 5 * factor) + 0.5 for _ in range(2))
    found = fode.augmented(Split(factor), raw, weather, coarse)
    want = naive_augmented(raw, weather, coarse, factor)
    torch.testing.assert_close(found, want, rtol=1e-5, atol=1e-6)
    sums = F.avg_pool2d(found, factor) * factor**2
    torch.testing.assert_close(sums, coarse, rtol=1e-4, atol=0)
    assert not torch.allclose(found, Split(factor)(raw, coarse), rtol=1e-2)


@BOTH
@pytest.mark.parametrize("external", [False, True])
def test_every_vehicle_is_kept(city_task, variant, external):
    net = network(city_task, variant=variant, external=external).eval()
    coarse = city_task.coarse[:3]
    fine = net(coarse, city_task.external[:3])
    assert fine.shape == city_task.fine[:3].shape
    sums = F.avg_pool2d(fine, city_task.factor) * city_task.factor**2
    torch.testing.assert_close(sums, coarse, rtol=1e-4, atol=0)


@BOTH
@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("activation, dead", [("shifted", 0.3), ("softplus", 0)])
def test_alive_at_the_start(city_task, variant, external, activation, dead):
    """A branch cut off from the loss would keep its random weights. In training mode, as trained.

    Counts enter unscaled, so that "shifted" leaves up to a quarter of the blocks dead at M = 2;
    with one channel in a group, GroupNorm takes the bias of the convolution before it away.
    """
    net = network(city_task, channels=16, variant=variant, external=external,
                  activation=activation).train()  # fmt: skip
    coarse, known = city_task.coarse[city_task.train], city_task.external[city_task.train]
    fine = net(coarse, known)
    _, is_dead, full = block_losses(fine, coarse, city_task.factor)
    assert is_dead <= dead * full
    (fine - city_task.fine[city_task.train]).pow(2).sum().backward()
    void = {"trunk.equation.0.bias", "trunk.equation.3.bias"}
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert name in void or parameter.grad.any(), name


@BOTH
@pytest.mark.parametrize("method", [METHODS["FODE"], METHODS["FODE+E"]], ids=lambda m: m.name)
def test_training_lowers_the_error_and_keeps_the_vehicles(make_city, variant, method):
    """Also through the registry's door: settings by name, external factors on in "+E"."""
    task = make_task(make_city(steps=160, seed=5), 4)
    settings = replace(method.settings(), variant=variant, channels=8, activation="shifted",
                       safe=True, training=replace(SMALL.training, epochs=8))  # fmt: skip
    assert settings.external == method.name.endswith("+E")
    fitted = method.fit(task, settings, 0, None)
    curve = fitted.curves["valid_rmse"]
    assert min(curve) < 0.98 * curve[0] and not fitted.notes["collapsed"]
    assert score(task, fitted)["metrics"]["conservation"] <= 1e-4


@pytest.mark.parametrize("external", [False, True])
def test_plain_regression_is_unconstrained(task, external):
    """ "none" must drop augmented normalisation too, or the comparison would be empty."""
    net = network(task, constraint="none", external=external).eval()
    fine = net(task.coarse, task.external)
    assert (fine < 0).any() or block_losses(fine, task.coarse, 2)[0] > 0.01


def test_unknown_variant_is_an_error(task):
    with pytest.raises(ValueError, match="FODE: variant '5m': want one of"):
        network(task, variant="5m")


def test_channels_that_do_not_divide_are_an_error(task):
    with pytest.raises(ValueError, match="FODE: 40 channels do not divide into 32 groups"):
        network(task, channels=40)


def test_external_without_factors_is_an_error(make_city):
    with pytest.raises(ValueError, match="switched on, but the city has none"):
        network(make_task(make_city(zone="nominal"), 2), external=True)
