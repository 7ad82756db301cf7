"""SCN: one block for all scales of a pyramid."""

import pytest
import torch
import torch.nn.functional as F

from stflow_lib.finegrained.baselines.scn import SCN, Block, SCNSettings, resize


def normed(layer, x):
    """Convolution with each output channel's kernel rescaled by itself."""
    kernels = [
        g.item() * v / v.pow(2).sum().sqrt()
        for g, v in zip(layer.gain, layer.weight, strict=True)
    ]
    return F.conv2d(x, torch.stack(kernels), layer.bias, padding=layer.weight.shape[-1] // 2)


def bilinear(x, like):
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=True)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_scn_block_scale_by_scale(count):
    """Finest and coarsest use their own residual, as it is, for the neighbour they lack."""
    torch.manual_seed(0)
    block = Block(4, 0.25)
    scales = [torch.rand(2, 4, 16 >> s, 24 >> s) for s in range(count)]
    own = [normed(block.body[2], normed(block.body[0], x).relu()) for x in scales]
    got = block(scales)
    for s, x in enumerate(scales):
        finer = bilinear(normed(block.down, own[s - 1]), x) if s > 0 else own[0]
        coarser = bilinear(normed(block.up, own[s + 1]), x) if s < count - 1 else own[-1]
        torch.testing.assert_close(got[s], x + own[s] + finer + coarser)


def test_scn_gains_and_scales_at_the_start(build, odd):
    """Norms 1, 2, 1 / sqrt(blocks), and PyTorch's own for the 1 x 1 layers; M scales."""
    net = build(SCN, odd[4], channels=16, blocks=4)
    block = net.blocks[3]
    for layer, gain in ((net.first, 1), (net.last, 1), (net.skip, 1), (block.body[0], 2),
                        (block.body[2], 0.5)):  # fmt: skip
        assert (layer.gain == gain).all() and not layer.bias.any()
    x = torch.rand(1, 16, 3, 3)
    torch.testing.assert_close(block.up(x), F.conv2d(x, block.up.weight, block.up.bias))
    shapes = [tuple(m.shape[2:]) for m in net.pyramid(torch.rand(1, 16, 16, 32))]
    assert shapes == [(16, 32), (8, 16), (4, 8), (2, 4)]


def test_scn_pads_with_the_last_values(build, odd):
    """Cells beyond the edge repeat it: the same map already padded gives the same scores."""
    net = build(SCN, odd[2], channels=16, blocks=2, constraint="none")
    small = odd[2].coarse[odd[2].train]
    whole = F.pad(small, (0, 2, 0, 2), mode="replicate")
    net.skip.gain.data.zero_()  # it reads the map without the padding
    external = odd[2].external[odd[2].train]
    torch.testing.assert_close(net(small, external), net(whole, external)[..., :20, :12])


def test_corners_lie_on_corners():
    """Bilinear with corner pixels kept: a line stays a line, from end to end."""
    line = torch.arange(4.0).expand(1, 1, 4, 4)
    finer = resize(line, 2.0)
    torch.testing.assert_close(finer[0, 0, 0], torch.linspace(0, 3, 8))
    torch.testing.assert_close(resize(line, 0.5)[0, 0, 0], torch.tensor([0.0, 3.0]))


def test_impossible_sizes_are_errors():
    """Without a block there is nothing between first and last layer."""
    with pytest.raises(ValueError, match="SCN: blocks 0"):
        SCNSettings(blocks=0)
