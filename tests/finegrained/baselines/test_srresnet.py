"""SRResNet: sums around each block and around all of them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stflow_lib.finegrained.baselines.srresnet import SRResNet


def instance_normed(layers, x):
    """conv3x3, then each map's each channel to mean 0 and deviation 1, gain, shift."""
    convolution, norm = layers
    x = F.conv2d(x, convolution.weight, padding=1)
    x = (x - x.mean((2, 3), True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    return x * norm.weight[:, None, None] + norm.bias[:, None, None]


def test_srresnet_adds_around_each_block_and_around_all(build, odd):
    """A lost skip trains too, only worse: nothing else would show it."""
    net = build(SRResNet, odd[4], channels=16, blocks=2).eval()
    for parameter in net.parameters():  # also gains and shifts, which start at 1 and 0
        nn.init.normal_(parameter, 0.0, 0.2)
    coarse = odd[4].coarse[odd[4].train]
    x = first = F.leaky_relu(F.conv2d(coarse, net.first[0].weight, padding=4), 0.2)
    for block in net.blocks:
        inner = F.leaky_relu(instance_normed(block.body[:2], x), 0.2)
        x = x + instance_normed(block.body[3:], inner)
    want, seen = first + instance_normed(net.after, x), []
    net.up.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(coarse, odd[4].external[odd[4].train])
    torch.testing.assert_close(seen[0], want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("factor, steps", [(2, 1), (4, 2)])
def test_no_bias_and_one_shuffle_a_doubling(build, odd, factor, steps):
    """Biases would make 6,080,257 parameters at M = 4: 5.80 x 2^20, where 5.79 is printed."""
    net = build(SRResNet, odd[factor], channels=16, blocks=2)
    assert all(m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d))
    assert sum(isinstance(m, nn.PixelShuffle) for m in net.up) == steps
    slopes = {m.negative_slope for m in net.modules() if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}
