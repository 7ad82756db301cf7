"""What the three pretexts share: the encoder, how it is trained, what it may see."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.finegrained.urbanstc.pretext import Encoder, mean_over
from stflow_lib.finegrained.urbanstc.regional_contrast import regional_pretext
from stflow_lib.finegrained.urbanstc.super_resolution import super_resolution_pretext
from stflow_lib.finegrained.urbanstc.temporal_contrast import temporal_pretext


@pytest.mark.parametrize("kernel, reach", [(1, 0), (3, 2)])
def test_how_far_an_encoder_sees(kernel, reach):
    """Two convolutions: kernel 1 is pointwise, kernel 3 sees two cells around."""
    torch.manual_seed(0)
    encoder, coarse = Encoder(4, kernel), torch.rand(1, 1, 9, 9, requires_grad=True)
    for layer in (
        encoder[0],
        encoder[2],
    ):  # every unit alive, so that all that is connected shows
        torch.nn.init.constant_(layer.weight, 0.1)
    features = encoder(coarse)
    assert features.shape == (1, 4, 9, 9) and (features >= 0).all()
    features[0, :, 4, 4].sum().backward()
    seen = coarse.grad[0, 0].nonzero()
    assert (seen - 4).abs().max() == reach and len(seen) == (2 * reach + 1) ** 2


@pytest.mark.parametrize("batch", [1, 3, 4, 256])
def test_mean_over_counts_each_sample_once(batch):
    """The mean of batch means gives the last, short batch too much weight."""
    samples = torch.tensor([2, 3, 5, 7, 11, 13, 17])
    got = mean_over(samples, lambda some: some.double().mean(), batch)
    assert got == pytest.approx(samples.sum().item() / 7)


def test_every_pretext_survives_a_last_batch_of_one(make_city, tiny):
    """A squeeze in the released code drops the batch axis here. 17 = 16 + 1 maps."""
    task = make_task(make_city(steps=34), 2)
    assert len(task.train) % tiny.temporal.training.batch == 1
    pretexts = [
        regional_pretext(tiny.regional, Encoder(4, 1), 4, task),
        temporal_pretext(tiny.temporal, Encoder(4, 3), 4, task),
        super_resolution_pretext(tiny.inference, Encoder(4, 3), 4, task, Split(2, "softplus")),
    ]
    histories = [pretext.pretrain(task, 0, None) for pretext in pretexts]
    for history in histories:
        assert history.epochs == 2 and all(v < 1e6 for v in history.curves["loss"])


def test_pretexts_see_no_fine_map(make_city, tiny):
    """They learn from coarse maps alone: other fine maps of the same sums change nothing."""
    task = make_task(make_city(), 2)
    other = replace(task, fine=task.fine.flip(2).contiguous())
    curves = []
    for t in (task, other):
        torch.manual_seed(3)
        built = [
            regional_pretext(tiny.regional, Encoder(4, 1), 4, t),
            super_resolution_pretext(tiny.inference, Encoder(4, 3), 4, t, Split(2)),
            temporal_pretext(tiny.temporal, Encoder(4, 3), 4, t),
        ]
        curves.append([pretext.pretrain(t, 0, None).curves for pretext in built])
    assert curves[0] == curves[1]
