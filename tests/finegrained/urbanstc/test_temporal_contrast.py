"""Temporal contrast against a loop over maps: triplets, their loss, the embedding."""

from dataclasses import replace

import pytest
import torch

from stflow_lib.finegrained import make_task
from stflow_lib.finegrained.urbanstc.pretext import Encoder
from stflow_lib.finegrained.urbanstc.temporal_contrast import (
    TemporalHead,
    TemporalSettings,
    temporal_pretext,
    triplet_loss,
    triplets,
)


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
            rows.append(
                sum(w * pool[j] for w, (_, j) in zip(weights, chosen, strict=True))
                / sum(weights)
            )
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


@pytest.mark.parametrize("margin", [0.5, 15.0])
def test_triplet_loss_one_triplet_at_a_time(margin):
    """Eqs. 9 and 10 in plain numbers; roots in place of squares, or a sum over T, show."""
    torch.manual_seed(0)
    anchor, near, far = torch.rand(3, 6, 4, dtype=torch.float64)
    total = 0.0
    for a, p, n in zip(anchor.tolist(), near.tolist(), far.tolist(), strict=True):
        alike = sum((x - y) ** 2 for x, y in zip(a, p, strict=True))
        apart = sum((x - y) ** 2 for x, y in zip(a, n, strict=True))
        total += max(alike - apart + margin, 0.0)
    got = triplet_loss(anchor, near, far, margin)
    assert got.item() == pytest.approx(total / 6, rel=1e-12)


def test_distances_of_the_paper_give_the_same_triplets():
    """Eq. 6 divides by H W under the root; weights are ratios, so nothing changes."""
    pool = torch.rand(9, 1, 3, 4, generator=torch.Generator().manual_seed(3)) * 20
    near, far = triplets(TemporalSettings(neighbours=2), pool, pool)
    distance = (pool[:, None] - pool[None]).square().mean((2, 3, 4)).sqrt()
    for t, row in enumerate(distance):
        order = [j for j in row.argsort().tolist() if j != t]
        close, remote = order[:2], order[:-3:-1]
        inverse = 1 / row[close]
        want = torch.einsum("k,kcij->cij", inverse / inverse.sum(), pool[close])
        torch.testing.assert_close(near[t], want, rtol=1e-4, atol=1e-4)
        share = row[remote] / row[remote].sum()
        want = torch.einsum("k,kcij->cij", share, pool[remote])
        torch.testing.assert_close(far[t], want, rtol=1e-4, atol=1e-4)
