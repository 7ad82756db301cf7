"""Regional contrast against a loop over cells: who is positive, the losses, the anchors."""

from dataclasses import replace
from math import exp, log

import pytest
import torch

from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.regional_contrast import (
    RegionalHead,
    RegionalSettings,
    positives,
    regional_loss,
    regional_pretext,
)

LOSSES, CRITERIA = ("logsumexp", "sigmoid", "ratio"), ("embedding", "flow")


@pytest.fixture
def batch():
    """Three maps of seven cells: embeddings >= 0, some nearly equal; flows with equal values."""
    random = torch.Generator().manual_seed(1)
    z = torch.rand(3, 7, 5, generator=random, dtype=torch.float64)
    z[:, 3] = z[:, 1] + 0.005
    flow = torch.randint(0, 3, (3, 7), generator=random) / 2.0
    return z, flow.double(), torch.tensor([1, 0, 6])


def is_positive(settings, z, flow, q, j):
    if settings.criterion == "flow":
        return abs(flow[q] - flow[j]) <= settings.threshold
    return sum((z[q][c] - z[j][c]) ** 2 for c in range(5)) / 5 < settings.threshold


def loss_by_loops(settings, z, flow, anchor):
    """As the paper and its code write it, one cell after the other."""
    total = 0.0
    for z_map, x, q in zip(z.tolist(), flow.tolist(), anchor.tolist(), strict=True):
        s = [sum(a * b for a, b in zip(z_map[q], other, strict=True)) for other in z_map]
        same = [is_positive(settings, z_map, x, q, j) for j in range(7)]
        near = [v for v, yes in zip(s, same, strict=True) if yes]
        far = [v for v, yes in zip(s, same, strict=True) if not yes]
        if settings.loss == "logsumexp":
            total += log(1 + sum(map(exp, far))) + log(1 + sum(exp(-v) for v in near))
        elif settings.loss == "ratio":
            p, n = sum(map(exp, near)), sum(map(exp, far))
            total -= log(p / (p + n))
        else:
            chance = [1 / (1 + exp(-v)) for v in s]
            total -= (
                sum(log(c if yes else 1 - c) for c, yes in zip(chance, same, strict=True)) / 7
            )
    return total / 3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("criterion, threshold", [("embedding", 1e-4), ("embedding", 0.1),
                                                  ("flow", 1e-4), ("flow", 0.5)])  # fmt: skip
def test_regional_loss_equals_the_loops(batch, loss, criterion, threshold):
    settings = RegionalSettings(criterion, loss, threshold)
    got = regional_loss(settings, *batch).item()
    assert got == pytest.approx(loss_by_loops(settings, *batch), rel=1e-12)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_who_is_positive(batch, criterion):
    """The anchor always is; the near copy is by embedding, cells of equal flow are by flow."""
    z, flow, anchor = batch
    same = positives(RegionalSettings(criterion), z, flow, anchor)
    assert same[range(3), anchor].all() and not same.all()
    if criterion == "embedding":
        assert same[0].nonzero().flatten().tolist() == [1, 3]
    else:
        assert torch.equal(same, flow == flow.gather(1, anchor[:, None]))


@pytest.mark.parametrize("loss", LOSSES)
def test_regional_loss_is_finite_for_large_embeddings_and_one_class(batch, loss):
    """exp(1000) overflows; a map of equal cells has no negatives at all."""
    z, flow, anchor = batch
    for embedding, cells in ((z * 100, flow), (torch.ones_like(z) * 30, flow * 0)):
        leaf = embedding.clone().requires_grad_()
        value = regional_loss(RegionalSettings("flow", loss), leaf, cells, anchor)
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(leaf.grad).all()


def test_labels_pass_no_gradient(batch):
    assert not positives(
        RegionalSettings(), batch[0].requires_grad_(), *batch[1:]
    ).requires_grad


@pytest.mark.parametrize("change, words", [({"criterion": "colour"}, "criterion 'colour'"),
                                           ({"loss": "hinge"}, "loss 'hinge'")])  # fmt: skip
def test_unknown_regional_settings_are_errors(batch, change, words):
    with pytest.raises(ValueError, match=words):
        regional_loss(replace(RegionalSettings(), **change), *batch)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5, 1.0])
def test_the_threshold_itself_is_still_positive(threshold):
    """Eq. 3 has <= lambda; with < cells of equal flow are negatives at lambda = 0."""
    flow = torch.tensor([[0.0, 0.0, 0.1, 0.5, 1.0]], dtype=torch.float64)
    z, anchor = torch.zeros(1, 5, 2, dtype=torch.float64), torch.tensor([0])
    same = positives(RegionalSettings("flow", threshold=threshold), z, flow, anchor)
    assert same[0].tolist() == [x <= threshold for x in flow[0].tolist()]


def test_an_embedding_for_each_cell_in_the_order_of_the_flows(task):
    """Pointwise encoder: equal cells of one map have equal embeddings, wherever they are."""
    torch.manual_seed(0)
    head = RegionalHead(Encoder(4, 1), 4).eval()
    coarse = torch.tensor([[3.0, 0.0, 3.0], [7.0, 3.0, 0.0]])[None, None]
    z = head(coarse)
    assert z.shape == (1, 6, 4) and (z >= 0).all()
    for j, value in enumerate(coarse.flatten().tolist()):
        torch.testing.assert_close(z[:, j : j + 1], head(torch.full((1, 1, 1, 1), value)))


@pytest.fixture
def pretext(task, tiny):
    """By flows and a threshold of all of [0, 1], in which every cell is positive."""
    settings = replace(tiny.regional, criterion="flow", threshold=1.0)
    built = regional_pretext(settings, Encoder(4, 1), 4, task)
    built.network.eval()
    return built


def test_the_pretext_scales_flows(task, pretext):
    """Raw counts lie far more than 1 apart: with them some cells would be negatives."""
    batch, cells = task.train[:6], task.coarse[0].numel()
    torch.manual_seed(4)
    got = pretext.loss(batch)
    torch.manual_seed(4)
    anchor = torch.randint(cells, (6,))
    z = pretext.network(task.coarse[batch])
    likeness = torch.einsum("bc,bjc->bj", z[torch.arange(6), anchor], z)
    want = likeness.neg().exp().sum(1).log1p().mean()  # and log(1 + 0) for no negatives
    torch.testing.assert_close(got, want)


def test_validation_anchors_are_fixed(pretext):
    """New anchors at each validation would choose the epoch by luck."""
    torch.manual_seed(1)
    first = pretext.score()
    torch.manual_seed(2)
    assert pretext.score() == first
