"""VDSR, SRResNet, IMDN and SCN: printed sizes, naive forms, a live start, training."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.baselines import imdn, scn, srresnet, vdsr
from stflow_lib.training.loop import Training
from stflow_lib.training.method import count_parameters

SHALLOW = {
    vdsr: {"layers": 2},
    srresnet: {"blocks": 2},
    imdn: {"modules": 2},
    scn: {"blocks": 2},
}
EVERY = pytest.mark.parametrize("module", SHALLOW, ids=lambda m: m.METHOD.name)
BOTH = pytest.mark.parametrize("factor", [2, 4])


def network(module, task, seed=0, **changes):
    """The module's network with its random weights, small unless told otherwise."""
    torch.manual_seed(seed)
    settings = module.METHOD.settings(**{"channels": 16, **SHALLOW[module], **changes})
    return getattr(module, module.METHOD.name)(task, settings)


@pytest.fixture(scope="module")
def odd(make_city):
    """Tasks by M with 10 x 6 coarse cells: sides that no pyramid divides."""
    return {m: make_task(make_city(steps=4, rows=10 * m, cols=6 * m), m) for m in (2, 4)}


@pytest.mark.parametrize(
    "module, at_four, at_two",
    [(vdsr, 5_021_952, 3_247_872), (srresnet, 6_074_880, 5_485_056),
     (imdn, 2_758_144, 2_744_308), (scn, 19_447_632, 19_433_460)],
)  # fmt: skip
def test_sizes_of_table_10(odd, module, at_four, at_two):
    """Printed as 4.79, 5.79, 2.63 and 18.55 x 2^20: a bias, norm or step more or less shows."""
    net = getattr(module, module.METHOD.name)
    assert count_parameters(net(odd[4], module.METHOD.settings())) == at_four
    assert count_parameters(net(odd[2], module.METHOD.settings())) == at_two


@EVERY
@BOTH
def test_a_fine_map_that_keeps_every_vehicle(odd, module, factor):
    """Of any size: SCN pads 10 x 6 to 16 x 16 (M = 4) and 12 x 8 (M = 2) and must crop."""
    task = odd[factor]
    coarse, external = task.coarse[task.train], task.external[task.train]
    fine = network(module, task, activation="shifted", safe=True)(coarse, external)
    assert fine.shape == task.fine[task.train].shape and fine.min() >= 0
    torch.testing.assert_close(F.avg_pool2d(fine, factor) * factor**2, coarse)
    plain = network(module, task, constraint="none")(coarse, external)
    assert plain.shape == fine.shape
    assert not torch.allclose(F.avg_pool2d(plain, factor) * factor**2, coarse, rtol=0.1)


@EVERY
@pytest.mark.parametrize("seed", range(3))
def test_gradients_reach_every_parameter(task, module, seed):
    """Nothing starts dead or is built and forgotten, but SCN's last way down, as in the paper.

    A network whose blocks all start dead never moves: why the last layer can be "shifted".
    """
    net = network(module, task, seed, activation="shifted").eval()
    net(task.coarse[task.train], task.external[task.train]).pow(2).sum().backward()
    silent = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert [n for n in silent if module is not scn or not n.startswith("blocks.1.down.")] == []
    assert len(silent) == (3 if module is scn else 0)


@EVERY
def test_training_lowers_the_validation_error_and_is_kept(make_city, module, tmp_path):
    """The kept state has every weight, norm and gain: loaded again it predicts the same."""
    task = make_task(make_city(steps=160, seed=5), 2)
    plan = Training(epochs=10, learning_rate=3e-3, halve_every=0, precision="float32")
    settings = module.METHOD.settings(
        channels=8, activation="shifted", safe=True, training=plan, **SHALLOW[module]
    )
    fitted = module.METHOD.fit(task, settings, 0, tmp_path)
    curve = fitted.curves["valid_rmse"]
    assert len(curve) == 10 and min(curve) < 0.9 * curve[0]
    again = module.METHOD.fit(task, settings, 1, tmp_path)
    assert torch.equal(again(task, task.test), fitted(task, task.test))


def test_vdsr_starts_he_normal(odd):
    """Deviation sqrt(2 / (k^2 out)) by the output side, the last layer included."""
    net = network(vdsr, odd[2], channels=128)
    for layer, outputs in ((net.body[2], 128), (net.up[0], 512), (net.last, 1)):
        want = (2 / (9 * outputs)) ** 0.5
        assert layer.weight.std().item() == pytest.approx(want, rel=0.07)


def instance_normed(layers, x):
    """conv3x3, then each map's each channel to mean 0 and deviation 1, gain, shift."""
    convolution, norm = layers
    x = F.conv2d(x, convolution.weight, padding=1)
    x = (x - x.mean((2, 3), True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    return x * norm.weight[:, None, None] + norm.bias[:, None, None]


def test_srresnet_adds_around_each_block_and_around_all(odd):
    """A lost skip trains too, only worse: nothing else would show it."""
    net = network(srresnet, odd[4]).eval()
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


def test_contrast_attention_one_channel_at_a_time():
    """Mean plus the deviation of the whole map, not of a sample of it, weighs a channel."""
    torch.manual_seed(0)
    attention, x = imdn.ContrastAttention(32), 3 * torch.rand(2, 32, 4, 5)
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
    attention, x = imdn.ContrastAttention(16), torch.ones(1, 16, 3, 3, requires_grad=True)
    attention(x).sum().backward()
    assert x.grad.isfinite().all() and all(
        p.grad.isfinite().all() for p in attention.parameters()
    )


def test_distillation_sets_the_first_quarter_aside():
    """The other three go on; the last quarter of the sum comes from what is left."""
    torch.manual_seed(0)
    module, x = imdn.Distillation(16), torch.rand(2, 16, 5, 6)
    one = module.steps[0](x)
    two = module.steps[1](one[:, 4:])
    three = module.steps[2](two[:, 4:])
    kept = torch.cat([one[:, :4], two[:, :4], three[:, :4], module.final(three[:, 4:])], 1)
    torch.testing.assert_close(module(x), x + module.gather(kept))
    assert F.leaky_relu(module.steps[0][0](x), 0.05).equal(one)


def test_imdn_gathers_all_modules_and_adds_the_first_features(odd):
    """Each module reads the one before, the last layers read all, in order, and the first."""
    net, (coarse, external) = network(imdn, odd[4], constraint="none"), (
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
    block = scn.Block(4, 0.25)
    scales = [torch.rand(2, 4, 16 >> s, 24 >> s) for s in range(count)]
    own = [normed(block.body[2], normed(block.body[0], x).relu()) for x in scales]
    got = block(scales)
    for s, x in enumerate(scales):
        finer = bilinear(normed(block.down, own[s - 1]), x) if s > 0 else own[0]
        coarser = bilinear(normed(block.up, own[s + 1]), x) if s < count - 1 else own[-1]
        torch.testing.assert_close(got[s], x + own[s] + finer + coarser)


def test_scn_gains_and_scales_at_the_start(odd):
    """Norms 1, 2, 1 / sqrt(blocks), and PyTorch's own for the 1 x 1 layers; M scales."""
    net = network(scn, odd[4], blocks=4)
    block = net.blocks[3]
    for layer, gain in ((net.first, 1), (net.last, 1), (net.skip, 1), (block.body[0], 2),
                        (block.body[2], 0.5)):  # fmt: skip
        assert (layer.gain == gain).all() and not layer.bias.any()
    x = torch.rand(1, 16, 3, 3)
    torch.testing.assert_close(block.up(x), F.conv2d(x, block.up.weight, block.up.bias))
    shapes = [tuple(m.shape[2:]) for m in net.pyramid(torch.rand(1, 16, 16, 32))]
    assert shapes == [(16, 32), (8, 16), (4, 8), (2, 4)]


def test_scn_pads_with_the_last_values(odd):
    """Cells beyond the edge repeat it: the same map already padded gives the same scores."""
    net = network(scn, odd[2], constraint="none")
    small = odd[2].coarse[odd[2].train]
    whole = F.pad(small, (0, 2, 0, 2), mode="replicate")
    net.skip.gain.data.zero_()  # it reads the map without the padding
    external = odd[2].external[odd[2].train]
    torch.testing.assert_close(net(small, external), net(whole, external)[..., :20, :12])


@pytest.mark.parametrize(
    "module, changes, message",
    [(imdn, {"channels": 6}, "IMDN: channels 6"), (imdn, {"modules": 0}, "IMDN: modules 0"),
     (scn, {"blocks": 0}, "SCN: blocks 0")],
)  # fmt: skip
def test_impossible_sizes_are_errors(module, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(module.METHOD.settings(), **changes)
