"""Shared layers: the split and its activations, upsampling, sums, external factors."""

from math import log

import pytest
import torch

from stflow_lib.finegrained.networks.layers import (
    ACTIVATIONS,
    ExternalFactors,
    Residual,
    Split,
    Upsample,
    conv,
    doublings,
    init_normal,
    normed_residual,
    squareplus,
    upsample_nearest,
)

COARSE = torch.tensor([[6.0, 10.0]])[None, None]


def raw(left, right):
    """Scores before the activation, one value per 2 x 2 block."""
    return torch.tensor([[left, left, right, right]] * 2)[None, None]


def test_a_dead_block_gets_no_gradient_and_its_neighbour_does():
    """Why a collapse is for good: nothing pulls a block of negative scores back."""
    scores = raw(-0.1, 1.0).requires_grad_()
    fine = Split(2)(scores, COARSE)
    (fine - torch.arange(8.0).reshape(fine.shape)).pow(2).sum().backward()
    assert fine[..., :2].sum() == 0 and not scores.grad[..., :2].any()
    assert fine[..., 2:].sum().item() == pytest.approx(10, rel=1e-5)
    assert scores.grad[..., 2:].any()


def test_safe_form_falls_back_to_the_mean_split():
    fine = Split(2, safe=True)(raw(-0.1, 1.0), COARSE)
    assert fine[0, 0, 0].tolist() == pytest.approx([1.5, 1.5, 2.5, 2.5], rel=1e-6)


@pytest.mark.parametrize("activation, alive", [("relu", False), ("shifted", True),
                                               ("softplus", True)])  # fmt: skip
def test_who_lives_on_small_negative_scores(activation, alive):
    """The state after the paper's initialisation: scores of about -0.01 everywhere."""
    scores = (raw(-0.01, -0.02) - torch.rand(2, 4) / 100).requires_grad_()
    fine = Split(2, activation)(scores, COARSE)
    fine.pow(2).sum().backward()
    assert bool(fine.detach().all()) == bool(scores.grad.any()) == alive


def test_the_split_is_in_single_precision_under_bfloat16():
    """bfloat16 holds integers only up to 256: a count of 1001 would lose vehicles."""
    scores, coarse = torch.rand(1, 1, 8, 8), torch.full((1, 1, 4, 4), 1001.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        fine = Split(2, "softplus")(scores.bfloat16(), coarse)
    assert fine.dtype == torch.float32
    sums = fine.unfold(2, 2, 2).unfold(3, 2, 2).sum((4, 5))
    torch.testing.assert_close(sums, coarse, rtol=1e-5, atol=0)


def test_squareplus_is_the_published_curve():
    """(x + sqrt(x^2 + 4 ln(2)^2)) / 2 at ten times the steepness, its slope 1/2 at 0."""
    x = torch.linspace(-3, 3, 61, dtype=torch.float64).requires_grad_()
    want = (10 * x + ((10 * x) ** 2 + 4 * log(2) ** 2).sqrt()) / 20
    found = squareplus(x)
    torch.testing.assert_close(found, want)
    (slope,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(slope, torch.autograd.grad(want.sum(), x)[0])
    assert slope[30].item() == pytest.approx(0.5)
    assert found[30].item() == pytest.approx(ACTIVATIONS["sharp"](torch.zeros(())).item())


@pytest.mark.parametrize("depth, dead", [(-1.0, False), (-3.0, True), (-50.0, True)])
def test_exponential_tails_die_under_eps(depth, dead):
    """In a block of low raw values "sharp" says nothing about the split, and hears nothing."""
    assert (_pull("sharp", depth) < 1e-6) == dead


@pytest.mark.parametrize("depth", [-1.0, -3.0, -50.0, -1e3, -1e4])
def test_squareplus_does_not_die(depth):
    """A hundredth more raw value is a larger share, and the loss can move it, at any depth."""
    assert _pull("squareplus", depth) > 1e-5


def _pull(activation: str, depth: float) -> float:
    """How much of a block's vehicles a change of 1 % of one raw value moves: along the gradient,
    and, which must agree, in single precision."""
    raw = torch.full((1, 1, 2, 2), depth)
    raw[..., 0, 0] *= 0.99
    raw.requires_grad_()
    share = Split(2, activation, safe=True)(raw, torch.ones(1, 1, 1, 1))
    share[..., 0, 0].backward()
    along = raw.grad[0, 0, 0, 0].item() * 0.01 * abs(depth)
    seen = share[0, 0, 0, 0].item() - 0.25
    assert seen == pytest.approx(along, rel=0.2, abs=1e-6)
    return seen


def test_unknown_activation_is_an_error():
    with pytest.raises(ValueError, match="activation 'gelu': want one of"):
        Split(2, "gelu")


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_upsampling_enlarges_both_sides(factor, single):
    assert Upsample(2, factor, single=single)(torch.rand(3, 2, 3, 5)).shape == (
        3, 2, 3 * factor, 5 * factor,
    )  # fmt: skip


@pytest.mark.parametrize("factor", [0, 1, 3, 6])
def test_factor_must_be_a_power_of_two(factor):
    with pytest.raises(ValueError, match=f"upscaling factor {factor} is not a power of two"):
        Upsample(2, factor)


def test_initialisation_of_the_paper():
    """Conv weights of deviation 0.02, BatchNorm weights near 1, its biases 0."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(32, 64, 3), torch.nn.BatchNorm2d(512))
    init_normal(layers)
    assert layers[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert layers[1].weight.mean().item() == pytest.approx(1, abs=0.005)
    assert layers[1].weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not layers[1].bias.any()


def test_external_columns_are_found_by_name():
    """The same factors in another order of columns give the same map."""
    torch.manual_seed(0)
    names = ("hour", "temperature", "weekday")
    factors = ExternalFactors(names, 3, 4).eval()
    values = torch.tensor([[23.0, -0.7, 7.0], [0.0, 0.3, 1.0]])
    before = factors(values)
    factors.names = names[::-1]
    assert before.shape == (2, 1, 3, 4) and (before >= 0).all()
    assert torch.equal(factors(values.flip(1)), before)
    assert not torch.equal(before[0], before[1])


def test_external_without_factors_is_an_error():
    with pytest.raises(ValueError, match="switched on, but the city has none"):
        ExternalFactors((), 3, 4)


@pytest.mark.parametrize("factor", [2, 4])
def test_the_split_block_by_block(factor):
    """Eq. 15 and the product with the coarse map, against two loops over blocks."""
    torch.manual_seed(0)
    scores = torch.randn(2, 1, 3 * factor, 5 * factor)
    coarse = torch.randint(0, 50, (2, 1, 3, 5)).float()
    fine = Split(factor)(scores, coarse)
    for row in range(3):
        for col in range(5):
            here = (..., slice(row * factor, (row + 1) * factor),
                    slice(col * factor, (col + 1) * factor))  # fmt: skip
            positive = scores[here].clamp_min(0)
            share = positive / (positive.sum((2, 3), keepdim=True) + 1e-5)
            want = share * coarse[:, :, row, col, None, None]
            torch.testing.assert_close(fine[here], want)


def test_a_sum_adds_what_its_layers_make():
    """Layers at zero leave the input; a missing sum would leave nothing."""
    x = torch.randn(2, 4, 3, 5)
    layer = conv(4, 4)
    torch.testing.assert_close(Residual(layer, torch.nn.Tanh())(x), x + torch.tanh(layer(x)))
    block = normed_residual(4).eval()
    for module in block.body:
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.zeros_(module.weight)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
@pytest.mark.parametrize("bias", [True, False])
def test_convolutions_keep_rows_and_columns(size, bias):
    layer = conv(2, 3, size, bias)
    assert layer(torch.rand(1, 2, 4, 7)).shape == (1, 3, 4, 7)
    assert (layer.bias is not None) == bias and layer.weight.shape == (3, 2, size, size)


def test_every_fine_cell_gets_its_coarse_value():
    coarse = torch.arange(6.0).reshape(1, 1, 2, 3)
    fine = upsample_nearest(coarse, 4)
    assert fine.shape == (1, 1, 8, 12)
    for row in range(8):
        for col in range(12):
            assert fine[0, 0, row, col] == coarse[0, 0, row // 4, col // 4]


def test_doublings_are_logarithms():
    assert [doublings(2**n) for n in (1, 2, 3, 5)] == [1, 2, 3, 5]
    for factor in (0, 1, 3, 12):
        with pytest.raises(ValueError, match="is not a power of two"):
            doublings(factor)
