"""Spatial super-resolution: coarse maps out of coarser ones, by squared error."""

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.finegrained.problem.task import coarser
from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.super_resolution import (
    InferenceNet,
    super_resolution_pretext,
)


@pytest.fixture
def pretext(task, tiny):
    """The pretext of a small encoder, dropout off, a last layer that is alive."""
    torch.manual_seed(0)
    split = Split(2, "softplus")
    built = super_resolution_pretext(tiny.inference, Encoder(4, 3), 4, task, split)
    built.network.eval()
    return built


def test_the_loss_is_the_squared_error_of_the_coarse_map(task, pretext):
    """Eq. 5: its target is the coarse map, its input block sums of it, not fine maps."""
    batch, total = task.train[:5], 0.0
    small = coarser(task)
    for sample in batch.tolist():
        image = pretext.network(small[sample : sample + 1]).flatten().tolist()
        truth = task.coarse[sample].flatten().tolist()
        total += sum((got - want) ** 2 for got, want in zip(image, truth, strict=True))
    cells = len(batch) * task.coarse[0].numel()
    assert pretext.loss(batch).item() == pytest.approx(total / cells, rel=1e-5)


def test_the_epoch_is_chosen_by_the_error_in_vehicles(task, pretext):
    """A root of each batch by itself would not be the RMSE."""
    maps = pretext.network(coarser(task)[task.valid])
    want = (maps - task.coarse[task.valid]).square().mean().sqrt().item()
    assert pretext.score() == {"valid_rmse": pytest.approx(want, rel=1e-5)}


@pytest.mark.parametrize("factor", [2, 4])
def test_every_vehicle_of_the_coarser_map_is_kept(make_city, factor):
    """M2-normalisation with the coarser map; with the coarse one shapes would not even fit."""
    task = make_task(make_city(rows=16), factor)
    torch.manual_seed(0)
    net = InferenceNet(Encoder(4, 3), 4, factor, Split(factor, "softplus")).eval()
    small = coarser(task)[:3]
    coarse = net(small)
    assert coarse.shape == task.coarse[:3].shape
    sums = torch.nn.functional.avg_pool2d(coarse, factor) * factor**2
    torch.testing.assert_close(sums, small, rtol=1e-4, atol=1e-4)


def test_sides_that_do_not_divide(make_city, tiny):
    """10 x 6 coarse cells at M = 4 stopped the pretext in the middle of a table."""
    task = make_task(make_city(steps=16, rows=40, cols=24), 4)
    torch.manual_seed(0)
    built = super_resolution_pretext(
        tiny.inference, Encoder(4, 3), 4, task, Split(4, "softplus")
    )
    assert built.network(coarser(task)[:2]).shape[2:] == (12, 8)
    assert built.pretrain(task, 0, None).epochs == 2


def test_it_trains_the_encoder_that_it_was_given(task, tiny):
    """A copy would learn, and be thrown away."""
    torch.manual_seed(0)
    encoder = Encoder(4, 3)
    before = [p.detach().clone() for p in encoder.parameters()]
    split = Split(2, "softplus")
    history = super_resolution_pretext(tiny.inference, encoder, 4, task, split).pretrain(
        task, 0, None
    )
    assert history.epochs == 2
    after = encoder.parameters()
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))
