"""LapSRN: interpolation, level after level, plus what convolutions add."""

import math

import pytest
import torch
from torch import nn

from stflow_lib.finegrained.baselines.lapsrn import LapSRN, Level, bilinear_kernel, he_normal
from stflow_lib.training.method import count_parameters


def hat(distance):
    return max(0.0, 1 - abs(distance))


@pytest.mark.parametrize("factor", [2, 4])
def test_lapsrn_starts_from_an_interpolated_map(build, output, tasks, factor):
    """Residuals off: linear interpolation, twice at M = 4, of the counts per fine cell."""
    task = tasks[factor]
    network = build(LapSRN, task, channels=4, layers=1, constraint="none")
    for level in network.levels:
        torch.nn.init.zeros_(level.residual.weight)
    want = task.coarse[task.train] / factor**2
    for _ in network.levels:
        rows, cols = (torch.tensor([[hat((i + 0.5) / 2 - j - 0.5) for j in range(n)]
                                    for i in range(2 * n)]) for n in want.shape[2:])  # fmt: skip
        want = rows @ want @ cols.T
    torch.testing.assert_close(output(network, task), want)


@pytest.mark.parametrize("layers", [0, 3])
def test_lapsrn_depth(build, tasks, layers):
    """`layers` convolutions before each doubling."""
    sizes = [
        count_parameters(build(LapSRN, tasks[4], channels=8, layers=n)) for n in (0, layers)
    ]
    assert sizes[1] - sizes[0] == 2 * layers * 9 * 8 * 8


def test_the_bilinear_kernel_keeps_four_times_the_sum():
    """Each pixel becomes four: weights 1/4 and 3/4 of each side, 4 in all."""
    kernel = bilinear_kernel()
    assert kernel.sum() == 4 and kernel[0, 0, 0].tolist() == [x / 16 for x in (1, 3, 3, 1)]
    assert torch.equal(kernel, kernel.transpose(2, 3))


def test_he_normal_by_the_taps_that_reach_one_pixel():
    """A transposed 4 x 4 convolution of stride 2 has 4 taps a pixel, not 16."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 4, stride=2))
    he_normal(layers)
    for layer, taps in zip(layers, (9, 4), strict=True):
        want = math.sqrt(2 / (taps * 64))
        assert layer.weight.std().item() == pytest.approx(want, rel=0.02)


def test_a_level_adds_its_residual_to_the_interpolated_map():
    """The residual reads the new features; from the old ones it would not even fit."""
    torch.manual_seed(0)
    level, features, image = Level(4, 2), torch.rand(2, 4, 3, 5), torch.rand(2, 1, 3, 5)
    finer, enlarged = level(features, image)
    assert finer.shape == (2, 4, 6, 10)
    torch.testing.assert_close(enlarged, level.image(image) + level.residual(finer))
