"""The kernels of `rank_contrast`: running sums that ties share, and both gradients' edges."""

import pytest
import torch

pytest.importorskip("triton")

from stflow_lib.kernels.ops.rank_contrast import rank_contrast_naive
from stflow_lib.kernels.triton_ops import rank_contrast


def draw(regions, levels):
    random = torch.Generator().manual_seed(regions)
    features = torch.randn(regions, 3, generator=random, dtype=torch.float64)
    return features, torch.randint(0, levels, (regions, regions), generator=random).double()


def test_denominators_are_nested_sums_that_ties_share():
    """Read at the first of a group of ties instead of the last, equals would
    leave each other out."""
    scores = torch.tensor([[9.0, 1, 2, 3], [1, 9, 1, 1], [0, 0, 9, 0], [3, 2, 1, 9]]).double()
    ranked = torch.tensor([[0.0, 0, 5], [1, 2, 3], [7, 7, 7], [0, 1, 1]]).double()
    order = torch.tensor([[0, 1, 2]] * 4)  # among partners, the own number left out
    loss, denominator = rank_contrast.losses(scores, ranked, order)
    e = [[1.0, 2, 3], [1, 1, 1], [0, 0, 0], [3, 2, 1]]
    groups = [[2, 2, 3], [1, 2, 3], [3, 3, 3], [1, 3, 3]]  # partners in each sum
    want = torch.tensor(
        [[sum(2.718281828459045**v for v in row[:n]) for n in size]
         for row, size in zip(e, groups, strict=True)]
    ).double().log()  # fmt: skip
    torch.testing.assert_close(denominator, want, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        loss, (want - torch.tensor(e).double()).sum(1), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("levels", [1, 3, 1000])
@pytest.mark.parametrize("regions", [2, 3, 17, 33])
def test_rows_of_any_length(regions, levels):
    """A row is padded to a power of two: 16 partners fill it, 17 do not."""
    features, similarity = draw(regions, levels)
    leaf = features.requires_grad_()
    forms = [f(leaf, similarity, 0.5) for f in (rank_contrast.apply, rank_contrast_naive)]
    torch.testing.assert_close(*forms)
    gradients = [torch.autograd.grad(value, leaf)[0] for value in forms]
    torch.testing.assert_close(*gradients)


def test_a_score_of_a_region_with_itself_has_no_gradient():
    """The diagonal is written as zero: memory that nobody wrote would be added
    to the cosines."""
    features, similarity = draw(5, 3)
    scores = features @ features.T
    partners = torch.stack(
        [torch.cat([row[:i], row[i + 1 :]]) for i, row in enumerate(similarity)]
    )
    ranked, order = partners.sort(1)
    _, denominator = rank_contrast.losses(scores, ranked, order)
    d = rank_contrast.losses_backward(
        torch.ones(5).double(), scores, ranked, order, denominator
    )
    assert not d.diagonal().any() and d.abs().sum() > 0
    torch.testing.assert_close(d.sum(1), torch.zeros(5).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("items, regions", [(2, 2), (3, 5), (2, 17), (3, 1)])
def test_a_batch_is_a_loop_over_its_items(items, regions):
    """Anchors are counted on from item to item; the own number is that inside the item."""
    random = torch.Generator().manual_seed(items)
    features = torch.randn(items, regions, 3, generator=random, dtype=torch.float64)
    similarity = torch.randint(0, 3, (items, regions, regions), generator=random).double()
    weights = torch.arange(1.0, items + 1).double()
    leaf = features.requires_grad_()
    values = rank_contrast.apply(leaf, similarity, 0.5)
    pairs = zip(leaf, similarity, strict=True)
    want = torch.stack([rank_contrast_naive(d, s, 0.5) for d, s in pairs])
    torch.testing.assert_close(values, want)
    gradients = [torch.autograd.grad((v * weights).sum(), leaf)[0] for v in (values, want)]
    torch.testing.assert_close(*gradients)


def test_vmap_is_a_loop_over_its_items():
    """With gradients through the map, and with one more batch axis inside."""
    random = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, 4, 3, generator=random, dtype=torch.float64)
    similarity = torch.randint(0, 3, (2, 3, 4, 4), generator=random).double()
    call = lambda d, s: rank_contrast.apply(d, s, 0.5)
    leaf = features.requires_grad_()
    values = torch.func.vmap(call)(leaf, similarity), rank_contrast_naive(leaf, similarity, 0.5)
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*[torch.autograd.grad(v.sum(), leaf)[0] for v in values])


def test_more_regions_than_a_program_holds_are_refused():
    """8192 partners lie in one program."""
    some = torch.empty(8193, 1, device="meta")
    assert "8193 regions" in rank_contrast.unsupported(some, some, 1.0)
    assert rank_contrast.unsupported(some[:8192], some, 1.0) is None
