"""The three pretext tasks against plain double loops, and the corners of their sampling."""

from dataclasses import replace
from math import exp, log

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.networks.layers import Split
from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.regional_contrast import (
    RegionalSettings,
    positives,
    regional_loss,
    regional_pretext,
)
from stflow_lib.finegrained.urbanstc.super_resolution import super_resolution_pretext
from stflow_lib.finegrained.urbanstc.temporal_contrast import (
    TemporalHead,
    TemporalSettings,
    temporal_pretext,
    triplet_loss,
    triplets,
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
    for z_map, x, q in zip(z.tolist(), flow.tolist(), anchor.tolist()):
        s = [sum(a * b for a, b in zip(z_map[q], other)) for other in z_map]
        same = [is_positive(settings, z_map, x, q, j) for j in range(7)]
        near = [v for v, yes in zip(s, same) if yes]
        far = [v for v, yes in zip(s, same) if not yes]
        if settings.loss == "logsumexp":
            total += log(1 + sum(map(exp, far))) + log(1 + sum(exp(-v) for v in near))
        elif settings.loss == "ratio":
            p, n = sum(map(exp, near)), sum(map(exp, far))
            total -= log(p / (p + n))
        else:
            chance = [1 / (1 + exp(-v)) for v in s]
            total -= sum(log(c if yes else 1 - c) for c, yes in zip(chance, same)) / 7
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


def maps_of(*values):
    """One map [1, 1, 2] per pair of values."""
    return torch.tensor(values, dtype=torch.float32)[:, None, None, :]


def triplets_by_loops(settings, maps, pool):
    """Algorithm 1, map by map."""
    near, far = [], []
    k = 1 if settings.sampling == "hard" else settings.neighbours
    for i, this in enumerate(maps):
        others = sorted(
            ((this - other).norm().item(), j) for j, other in enumerate(pool) if j != i
        )
        for rows, chosen, weigh in (
            (near, others[:k], lambda d: 1 / d),
            (far, others[::-1][:k], lambda d: d),
        ):
            weights = [weigh(d) for d, _ in chosen]
            rows.append(sum(w * pool[j] for w, (_, j) in zip(weights, chosen)) / sum(weights))
    return torch.stack(near), torch.stack(far)


@pytest.mark.parametrize("sampling, k", [("hard", 5), ("weight", 5), ("weight", 2)])
@pytest.mark.parametrize("anchors", [12, 7])
def test_triplets_equal_the_loops(sampling, k, anchors):
    """Swapped weights (far maps by 1 / d), or a pool out of step, show at once."""
    pool = torch.rand(12, 1, 3, 4, generator=torch.Generator().manual_seed(0)) * 20
    settings = TemporalSettings(sampling=sampling, neighbours=k)
    got = triplets(settings, pool[:anchors], pool)
    for a, b in zip(got, triplets_by_loops(settings, pool[:anchors], pool), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_weights_by_hand():
    """From 0: near 1 and 3 weigh 3/4 and 1/4, far 9 and 3 weigh 3/4 and 1/4."""
    maps = maps_of((0, 0), (1, 0), (3, 0), (9, 0))
    near, far = triplets(TemporalSettings(neighbours=2), maps, maps)
    assert near[0].flatten().tolist() == pytest.approx([1.5, 0])
    assert far[0].flatten().tolist() == pytest.approx([7.5, 0])


@pytest.mark.parametrize("sampling", ["hard", "weight"])
def test_equal_maps_are_guarded(sampling):
    """Empty nights: distance 0 must not become a weight of infinity, nor 0 / 0."""
    maps = maps_of((0, 0), (0, 0), (0, 0), (4, 4))
    near, far = triplets(TemporalSettings(sampling=sampling), maps, maps)
    assert torch.isfinite(near).all() and torch.isfinite(far).all()
    assert near[:3].abs().max() < 1e-4  # the equal map takes all the weight
    alike = triplets(TemporalSettings(sampling=sampling), maps[:3], maps[:3])
    assert not alike[0].any() and not alike[1].any()


def test_unknown_sampling_is_an_error():
    maps = maps_of((0, 0), (1, 0))
    with pytest.raises(ValueError, match="TCS: sampling 'soft' is neither weight nor hard"):
        triplets(TemporalSettings(sampling="soft"), maps, maps)


def test_margin_fifteen_keeps_the_loss_linear_from_7_to_23():
    """15 where positive and negative are alike; 7 and 23 where one is opposite."""
    here, there = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    for near, far, value in ((here, here, 15), (here, there, 7), (there, here, 23)):
        assert triplet_loss(here, near, far, 15.0) == value
    assert triplet_loss(here, here, there, 3.0) == 0  # a smaller margin does close


@pytest.mark.parametrize("normalise", [True, False])
def test_embedding_has_norm_two_or_is_plain(task, normalise):
    torch.manual_seed(0)
    d = TemporalHead(Encoder(4, 3), 4, normalise)(task.coarse[task.train])
    assert (d >= 0).all()
    alive = d.norm(dim=1) > 0
    two = torch.allclose(d[alive].norm(dim=1), torch.tensor(2.0), atol=1e-4)
    assert alive.any() and two == normalise


def test_zero_embedding_stays_zero():
    """Without the 1e-10 inside the root it is 0 / 0, and the loss NaN."""
    head = TemporalHead(Encoder(4, 3), 4, True)
    with torch.no_grad():
        head.project.bias.fill_(-100)
    d = head(torch.ones(2, 1, 3, 3))
    d.sum().backward()
    assert not d.any()
    assert all(torch.isfinite(p.grad).all() for p in head.parameters())


def test_only_the_pool_changes_with_global_pool(make_city, tiny, monkeypatch):
    """Anchors stay inside the fraction; neighbours come from there, or from all of training."""
    seen = []
    monkeypatch.setattr(
        "stflow_lib.finegrained.urbanstc.temporal_contrast.triplets",
        lambda settings, maps, pool: seen.append((maps, pool)) or (maps, maps),
    )
    task = make_task(make_city(steps=40), 2, 40.0)
    for settings in (tiny.temporal, replace(tiny.temporal, global_pool=True)):
        temporal_pretext(settings, Encoder(4, 3), 4, task)
    (inside, valid), (whole, valid_too) = seen[:2], seen[2:]
    train, other = task.coarse[task.train], task.coarse[task.valid]
    assert torch.equal(inside[0], train) and torch.equal(inside[1], train)
    assert torch.equal(whole[0], train) and torch.equal(whole[1], task.coarse[task.train_all])
    for maps, pool in (valid, valid_too):
        assert torch.equal(maps, other) and torch.equal(pool, other)


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
