"""SimDCL: the paper's R^3 form = one running log-sum-exp, ties and gradients included."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch.utils._python_dispatch import TorchDispatchMode

from stflow_lib.kernels import rank_contrast, rank_contrast_naive
from stflow_lib.kernels.ops.rank_contrast import _scores

FORMS = [rank_contrast, rank_contrast_naive]
ANCHORS = {460: 5.138, 476: 5.172, 420: 5.047, 128: 3.870, 108: 3.703, 99: 3.618, 78: 3.384}


def draw(regions, width=5, levels=0, seed=0, dtype=torch.float64):
    """Random features and similarities; with `levels` the similarities take
    that many values."""
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(regions, width, generator=random, dtype=dtype)
    similarity = torch.rand(regions, regions, generator=random, dtype=torch.float64)
    return features, (similarity * levels).floor() if levels else similarity


def value_and_gradient(form, features, similarity, temperature=1.0):
    leaf = features.clone().requires_grad_()
    value = form(leaf, similarity, temperature)
    value.backward()
    return value.detach(), leaf.grad


def double_loop(scores, similarity):
    """Eq. 13 read aloud: one pair at a time, plain numbers."""
    regions, losses = range(len(scores)), []
    for i in regions:
        for k in set(regions) - {i}:
            others = [j for j in regions if j != i and similarity[i, j] <= similarity[i, k]]
            below = math.log(sum(math.exp(scores[i, j]) for j in others))
            losses.append(below - scores[i, k])
    return sum(losses) / len(losses)


@pytest.mark.parametrize("form", FORMS)
@given(st.integers(2, 7), st.integers(0, 3), st.integers(0, 999))
def test_both_forms_are_the_printed_sum(form, regions, levels, seed):
    """An anchor in its own denominator, or a partner missing from it, shows here."""
    features, similarity = draw(regions, 3, levels, seed)
    unit = features / features.norm(dim=1, keepdim=True)
    want = double_loop((unit @ unit.T / 0.5).numpy(), similarity.numpy())
    assert form(features, similarity, 0.5).item() == pytest.approx(want, rel=1e-12)


@given(
    st.integers(0, 33),
    st.integers(1, 9),
    st.sampled_from([0, 1, 2, 5]),
    st.sampled_from([0.01, 0.1, 1.0]),
    st.integers(0, 999),
)
def test_fast_form_equals_the_papers(regions, width, levels, temperature, seed):
    """No region, one, odd numbers; no ties, few, all tied; value and gradient."""
    drawn = (*draw(regions, width, levels, seed), temperature)
    fast, naive = (value_and_gradient(form, *drawn) for form in FORMS)
    torch.testing.assert_close(fast[0], naive[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(fast[1], naive[1], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("levels", [0, 3])
def test_gradient_in_double_precision(form, levels):
    """The closed-form backward reads its suffix sum at the first of the ties, not the last."""
    features, similarity = draw(9, 4, levels)
    leaf = features.requires_grad_()
    assert torch.autograd.gradcheck(lambda d: form(d, similarity, 0.3), leaf)


@pytest.mark.parametrize("regions", ANCHORS)
def test_anchor_of_equal_features(regions):
    """Features that say nothing: log((R - 1)!) / (R - 1), the values at the papers' sizes."""
    value = rank_contrast(torch.ones(regions, 4), draw(regions)[1]).item()
    assert value == pytest.approx(math.lgamma(regions) / (regions - 1), abs=1e-5)
    assert value == pytest.approx(ANCHORS[regions], abs=5e-4)


def test_anchor_of_equal_similarities():
    """All tied: everybody is in every denominator, log(R - 1) = 6.129 at R = 460."""
    value = rank_contrast(torch.ones(460, 4), torch.ones(460, 460)).item()
    assert value == pytest.approx(6.129, abs=5e-4)


def test_three_regions_by_hand():
    """The least similar partner costs nothing; the most similar is set against both."""
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])  # cosines 0, -1, 0
    similarity = torch.tensor([[9.0, 0.8, 0.1], [0.8, 9.0, 0.8], [0.1, 0.8, 9.0]])
    outer = math.log(math.exp(0) + math.exp(-1))  # anchors 0 and 2: partner 1 against both
    tied = 2 * math.log(2)  # anchor 1: both partners tie, each against both
    assert rank_contrast(features, similarity).item() == pytest.approx((2 * outer + tied) / 6)


@pytest.mark.parametrize("form", FORMS)
def test_two_regions_cost_nothing(form):
    """One partner is the least similar one."""
    value, gradient = value_and_gradient(form, *draw(2))
    assert value.abs() < 1e-15 and gradient.abs().max() < 1e-15


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("regions", [0, 1])
def test_no_pair_costs_nothing(form, regions):
    """A mean over no pairs would be NaN and end the training of a city with one cell."""
    value, gradient = value_and_gradient(form, *draw(regions))
    assert value == 0 and not gradient.any() and gradient.shape == (regions, 5)


@given(st.integers(2, 20), st.sampled_from([0, 4]), st.integers(0, 999))
def test_only_the_order_of_similarity_counts(regions, levels, seed):
    """Bits stay under any strictly increasing map, row by row, and whatever the diagonal is."""
    features, similarity = draw(regions, 4, levels, seed)
    value = rank_contrast(features, similarity)
    assert torch.equal(value, rank_contrast(features, similarity.exp() * 3 - 7))
    rows = torch.arange(1.0, regions + 1)[:, None]
    assert torch.equal(value, rank_contrast(features, similarity * rows - rows))
    similarity.fill_diagonal_(-99.0)
    assert torch.equal(value, rank_contrast(features, similarity))


def test_numbering_of_regions_does_not_count():
    features, similarity = draw(17, levels=4)
    turn = torch.randperm(17, generator=torch.Generator().manual_seed(1))
    other = rank_contrast(features[turn], similarity[turn][:, turn])
    torch.testing.assert_close(other, rank_contrast(features, similarity))


def test_length_of_features_does_not_count():
    """Cosines: a region with many trips is not louder."""
    features, similarity = draw(12)
    scaled = features * torch.arange(1.0, 13)[:, None]
    torch.testing.assert_close(
        rank_contrast(scaled, similarity), rank_contrast(features, similarity)
    )


def test_better_order_costs_less():
    """Features that rank as the similarity does are below the anchor, reversed ones above."""
    angle = torch.linspace(0, 3, 20, dtype=torch.float64)
    features = torch.stack([angle.cos(), angle.sin()], 1)
    near = -(angle[:, None] - angle).abs()
    anchor = math.lgamma(20) / 19
    assert rank_contrast(features, near) < anchor < rank_contrast(features, -near)


@pytest.mark.parametrize("temperature", [0.005, 0.1, 1.0])
def test_single_precision_is_as_near_to_double_as_the_papers_form(temperature):
    """At 0.005 exponents reach 200: plain sums overflow float32, logarithms do not."""
    features, similarity = draw(60, levels=9, dtype=torch.float32)
    exact = value_and_gradient(rank_contrast_naive, features.double(), similarity, temperature)
    fast, naive = (value_and_gradient(f, features, similarity, temperature) for f in FORMS)
    for got, paper, want in zip(fast, naive, exact, strict=True):
        slack = 1e-6 * want.abs().max()
        error = (got - want).abs().max()
        assert error <= 2 * (paper - want).abs().max() + slack


def test_mixed_precision_stays_outside():
    """Cosines in bfloat16 have three digits: ties where there are none."""
    features, similarity = draw(30, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = rank_contrast(features, similarity)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, rank_contrast(features, similarity))
    assert rank_contrast(features.bfloat16(), similarity).dtype == torch.float32


def test_no_gradient_reaches_the_similarity():
    """In STBaT's turn of the predictor the pattern encoder must not move."""
    features, similarity = draw(6)
    similarity.requires_grad_()
    rank_contrast(features.requires_grad_(), similarity).backward()
    assert similarity.grad is None and features.grad.any()


def test_inputs_are_left_alone_and_reruns_give_the_same_bits():
    features, similarity = draw(31, levels=3)
    kept = features.clone(), similarity.clone()
    first, again = (value_and_gradient(rank_contrast, features, similarity) for _ in range(2))
    assert torch.equal(features, kept[0]) and torch.equal(similarity, kept[1])
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


class Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation returns."""

    size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        tensors = out if isinstance(out, tuple | list) else (out,)
        sizes = [t.numel() for t in tensors if isinstance(t, torch.Tensor)]
        self.size = max([self.size, *sizes])
        return out


@pytest.mark.parametrize("form, cubic", [(rank_contrast, False), (rank_contrast_naive, True)])
def test_memory_grows_with_the_square(form, cubic):
    """No tensor above R^2 numbers, forward or backward; the paper's form needs R^3."""
    features, similarity = draw(50)
    with Largest() as largest:
        value_and_gradient(form, features, similarity)
    assert (largest.size > 50**2) == cubic


def test_other_shapes_are_an_error():
    """A similarity of more regions would be cut, or shift every partner by one."""
    features, similarity = draw(5)
    with pytest.raises((ValueError, TypeCheckError), match=r"is not 4 x 4|similarity"):
        rank_contrast(features[:4], similarity)


def batch(items, regions, levels=3, dtype=torch.float64):
    """Features [B, R, 5] and similarities [B, R, R], every item another draw."""
    drawn = [draw(regions, levels=levels, seed=seed, dtype=dtype) for seed in range(items)]
    return tuple(map(torch.stack, zip(*drawn, strict=True)))


def one_by_one(features, similarity):
    """Values and gradients of the printed form, item after item."""
    pairs = zip(features, similarity, strict=True)
    found = [value_and_gradient(rank_contrast_naive, d, s, 0.5) for d, s in pairs]
    return tuple(map(torch.stack, zip(*found, strict=True)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("items, regions", [(1, 7), (3, 2), (4, 9), (2, 33), (3, 1), (2, 0)])
def test_a_batch_is_a_loop_over_its_items(form, items, regions):
    """A softmax over the batch, or a mean over all items, mixes cities."""
    features, similarity = batch(items, regions)
    leaf = features.clone().requires_grad_()
    values = form(leaf, similarity, 0.5)
    values.sum().backward()
    assert values.shape == (items,)
    want = one_by_one(features, similarity)
    torch.testing.assert_close((values.detach(), leaf.grad), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_items_of_a_batch_have_gradients_of_their_own(form):
    """Upstream gradients differ from item to item; two axes are a batch, too."""
    features, similarity = batch(6, 8)
    weights = torch.tensor([1.0, 0.0, -2.0, 3.0, 0.5, 7.0]).double()
    leaf = features.clone().unflatten(0, (2, 3)).requires_grad_()
    values = form(leaf, similarity.unflatten(0, (2, 3)), 0.5)
    (values * weights.view(2, 3)).sum().backward()
    want = one_by_one(features, similarity)[1] * weights[:, None, None]
    torch.testing.assert_close(leaf.grad.flatten(0, 1), want, rtol=1e-12, atol=1e-12)
    assert torch.autograd.gradcheck(lambda d: form(d, similarity[:2], 0.3),
                                    features[:2].requires_grad_())  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("regions", [1, 2, 9])
def test_vmap_is_a_loop_over_its_items(form, regions):
    """Values, and gradients under the map, also where one similarity serves all items."""
    features, similarity = batch(3, regions)
    call = lambda d, s: form(d, s, 0.5)
    both = torch.func.grad_and_value(call)
    gradients, values = torch.func.vmap(both)(features, similarity)
    want = one_by_one(features, similarity)
    torch.testing.assert_close((values, gradients), want, rtol=1e-12, atol=1e-12)
    shared = torch.func.vmap(call, (0, None))(features, similarity[0])
    want = one_by_one(features, similarity[:1].expand_as(similarity))[0]
    torch.testing.assert_close(shared, want, rtol=1e-12, atol=1e-12)
    leaf = features.clone().requires_grad_()
    torch.func.vmap(call)(leaf, similarity).sum().backward()
    torch.testing.assert_close(leaf.grad, gradients, rtol=1e-12, atol=1e-12)
    turned = torch.func.vmap(call, (1, 2))(features.movedim(0, 1), similarity.movedim(0, 2))
    torch.testing.assert_close(turned, values, rtol=1e-12, atol=1e-12)


def test_vmap_of_a_batch_is_a_batch_of_two_axes():
    features, similarity = (x.unflatten(0, (2, 3)) for x in batch(6, 7))
    found = torch.func.vmap(rank_contrast)(features, similarity)
    torch.testing.assert_close(found, rank_contrast(features, similarity), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "features, similarity, words",
    [
        ((2, 5, 3), (5, 5), r"\(5, 5\) is not 2 x 5 x 5"),
        ((5, 3), (2, 5, 5), r"\(2, 5, 5\) is not 5 x 5"),
        ((2, 5, 3), (3, 5, 5), r"\(3, 5, 5\) is not 2 x 5 x 5"),
        ((2, 5, 3), (2, 5, 4), r"\(2, 5, 4\) is not 2 x 5 x 5"),
        ((5,), (5, 5), r"features \(5,\) have no two axes"),
    ],
)
def test_other_shapes_of_a_batch_are_named(features, similarity, words):
    """The check itself, as where no annotation is read."""
    with pytest.raises(ValueError, match=words):
        _scores(torch.zeros(features), torch.zeros(similarity), 1.0)
    with pytest.raises((ValueError, TypeCheckError)):
        rank_contrast(torch.zeros(features), torch.zeros(similarity))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_temperature_must_be_positive(temperature):
    """Zero would divide, a negative one would push like regions apart."""
    with pytest.raises(ValueError, match="is not positive"):
        rank_contrast(*draw(3), temperature)
