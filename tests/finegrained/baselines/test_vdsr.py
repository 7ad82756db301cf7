"""VDSR: a plain deep row of convolutions in coarse space."""

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained.baselines.vdsr import VDSR


def test_vdsr_starts_he_normal(build, odd):
    """Deviation sqrt(2 / (k^2 out)) by the output side, the last layer included."""
    net = build(VDSR, odd[2], layers=2, channels=128)
    for layer, outputs in ((net.body[2], 128), (net.up[0], 512), (net.last, 1)):
        want = (2 / (9 * outputs)) ** 0.5
        assert layer.weight.std().item() == pytest.approx(want, rel=0.07)


@pytest.mark.parametrize("layers", [0, 3])
def test_as_many_layers_as_asked_each_behind_a_relu(build, odd, layers):
    """One in front of `layers` more, without biases; the original's global sum is not here."""
    net = build(VDSR, odd[2], channels=8, layers=layers, constraint="none").eval()
    convolutions = [layer for layer in net.body if isinstance(layer, torch.nn.Conv2d)]
    assert len(convolutions) == 1 + layers
    x = coarse = odd[2].coarse[odd[2].train]
    for layer in convolutions:
        assert layer.bias is None
        x = F.relu(F.conv2d(x, layer.weight, padding=1))
    enlarge, norm = net.up[0], net.up[1]
    x = F.relu(F.pixel_shuffle(norm(F.conv2d(x, enlarge.weight, enlarge.bias, padding=1)), 2))
    want = F.conv2d(x, net.last.weight, padding=1)
    torch.testing.assert_close(net(coarse, odd[2].external[odd[2].train]), want)
