"""IMDN: quarters set aside, gathered, weighed by contrast."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stflow_lib.finegrained.baselines.imdn import (
    IMDN,
    ContrastAttention,
    Distillation,
    IMDNSettings,
)


def test_contrast_attention_one_channel_at_a_time():
    """Mean plus the deviation of the whole map, not of a sample of it, weighs a channel."""
    torch.manual_seed(0)
    attention, x = ContrastAttention(32), 3 * torch.rand(2, 32, 4, 5)
    narrow, wide = attention.weigh[0], attention.weigh[2]
    for image, got in zip(x, attention(x), strict=True):
        contrast = []
        for channel in image:
            values = channel.flatten().tolist()
            mean = sum(values) / len(values)
            variance = sum((v - mean) ** 2 for v in values) / len(values)
            contrast.append(mean + variance**0.5)
        hidden = torch.relu(narrow.weight[:, :, 0, 0] @ torch.tensor(contrast) + narrow.bias)
        weight = torch.sigmoid(wide.weight[:, :, 0, 0] @ hidden + wide.bias)
        torch.testing.assert_close(
            got, torch.stack([w * c for w, c in zip(weight, image, strict=True)])
        )


def test_attention_survives_a_flat_channel():
    """The root of a variance of 0 has no slope: an empty night would make the weights NaN."""
    attention, x = ContrastAttention(16), torch.ones(1, 16, 3, 3, requires_grad=True)
    attention(x).sum().backward()
    assert x.grad.isfinite().all() and all(
        p.grad.isfinite().all() for p in attention.parameters()
    )


def test_distillation_sets_the_first_quarter_aside():
    """The other three go on; the last quarter of the sum comes from what is left."""
    torch.manual_seed(0)
    module, x = Distillation(16), torch.rand(2, 16, 5, 6)
    one = module.steps[0](x)
    two = module.steps[1](one[:, 4:])
    three = module.steps[2](two[:, 4:])
    kept = torch.cat([one[:, :4], two[:, :4], three[:, :4], module.final(three[:, 4:])], 1)
    torch.testing.assert_close(module(x), x + module.gather(kept))
    assert F.leaky_relu(module.steps[0][0](x), 0.05).equal(one)


def test_imdn_gathers_all_modules_and_adds_the_first_features(build, odd):
    """Each module reads the one before, the last layers read all, in order, and the first."""
    net, (coarse, external) = build(IMDN, odd[4], channels=16, modules=2, constraint="none"), (
        odd[4].coarse[odd[4].train], odd[4].external[odd[4].train],
    )  # fmt: skip
    for parameter in net.parameters():  # the 0.02 of the start would hide a lost sum
        nn.init.normal_(parameter, 0.0, 0.2)
    first = net.first(coarse)
    one = net.chain[0](first)
    two = net.chain[1](one)
    narrow, _, wide = net.merge
    merged = wide(F.leaky_relu(narrow(torch.cat([one, two], 1)), 0.05))
    want = F.pixel_shuffle(net.last[0](first + merged), 4)
    torch.testing.assert_close(net(coarse, external), want)


@pytest.mark.parametrize(
    "changes, message",
    [({"channels": 6}, "IMDN: channels 6"), ({"channels": 0}, "IMDN: channels 0"),
     ({"modules": 0}, "IMDN: modules 0")],
)  # fmt: skip
def test_impossible_sizes_are_errors(changes, message):
    """Quarters of six channels, or nothing to gather."""
    with pytest.raises(ValueError, match=message):
        IMDNSettings(**changes)
