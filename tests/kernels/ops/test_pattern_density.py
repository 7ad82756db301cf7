"""Density of patterns and the weights that balance them: cluster cases,
constants, underflow."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stflow_lib.kernels import density_weights, pattern_density, pattern_density_naive

FORMS = [pattern_density, pattern_density_naive]


def draw(regions, width=4, seed=0, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(regions, width, generator=random, dtype=dtype)


def clusters(*sizes, apart=100.0):
    """Groups of equal embeddings, far from each other."""
    return torch.repeat_interleave(torch.eye(len(sizes)) * apart, torch.tensor(sizes), 0)


@given(st.integers(1, 12), st.integers(0, 99))
def test_density_is_the_printed_normal_kernel_up_to_a_constant(regions, seed):
    """Eq. 6 with the ordinary D-variate normal density and 1 / h^D: the same, shifted."""
    embedding, h = draw(regions, 3, seed), 0.85
    normal = torch.distributions.Normal(0.0, 1.0)
    steps = (embedding[:, None] - embedding) / h
    printed = (normal.log_prob(steps).sum(2).exp().sum(1) / (regions * h**3)).log()
    shift = 1.5 * math.log(2 * math.pi) + 3 * math.log(h)
    torch.testing.assert_close(pattern_density(embedding, h), printed + shift)


@given(st.integers(1, 30), st.integers(0, 99))
def test_weights_do_not_care_which_constant(regions, seed):
    """Per dimension or per distance, the reading of K changes rho by a factor only."""
    density = pattern_density(draw(regions, seed=seed), 0.85)
    torch.testing.assert_close(density_weights(density), density_weights(density - 42.0))


@given(st.integers(1, 40), st.floats(0.01, 10), st.integers(0, 99))
def test_weights_average_one(regions, bandwidth, seed):
    """Otherwise balancing would also change the size of the loss."""
    weights = density_weights(pattern_density(draw(regions, seed=seed), bandwidth))
    assert weights.mean().item() == pytest.approx(1, rel=1e-12)
    assert (weights > 0).all() and (weights <= regions + 1e-9).all()


@given(st.integers(1, 40), st.floats(0.01, 10), st.integers(0, 99))
def test_density_lies_between_alone_and_all_alike(regions, bandwidth, seed):
    """The region itself counts: a leave-one-out sum would be log 0 for a lonely one."""
    density = pattern_density(draw(regions, seed=seed), bandwidth)
    assert (density >= -math.log(regions) - 1e-12).all() and (density <= 1e-12).all()


@pytest.mark.parametrize("form", FORMS)
def test_two_clusters_by_hand(form):
    """90 alike and 10 alike, far apart: weights 1/90 and 1/10 in proportion, 0.556 and 5."""
    density = form(clusters(90, 10), 0.85)
    assert density.exp().tolist() == pytest.approx([0.9] * 90 + [0.1] * 10, rel=1e-5)
    weights = density_weights(density)
    assert weights.tolist() == pytest.approx([5 / 9] * 90 + [5.0] * 10, rel=1e-5)


@pytest.mark.parametrize("sizes", [(37,), (1,) * 37])
def test_no_imbalance_no_weights(sizes):
    """All alike, or all strangers: every weight is 1."""
    weights = density_weights(pattern_density(clusters(*sizes), 0.85))
    torch.testing.assert_close(weights, torch.ones(37))


@pytest.mark.parametrize("width", [32, 128, 256])
def test_wide_embeddings_do_not_underflow(width):
    """With its constants Eq. 6 is below 1e-84 at D = 256: zero in float32, weights of inf."""
    weights = density_weights(pattern_density(draw(460, width, dtype=torch.float32) * 9, 0.85))
    torch.testing.assert_close(weights, torch.ones(460))


def test_equal_rows_are_exactly_at_distance_zero():
    """The matrix-product form of the distance leaves 1e-3 between equal large embeddings."""
    embedding = torch.full((40, 32), 1000.1)
    assert (pattern_density(embedding, 1e-3).abs() < 1e-6).all()


def test_a_wider_kernel_balances_less():
    """The knob h: narrow kernels see loners, wide ones see everybody."""
    spread = [
        density_weights(pattern_density(draw(60), bandwidth)).std().item()
        for bandwidth in (0.85, 2.0, 8.0)
    ]
    assert spread == sorted(spread, reverse=True)


def test_gradient_of_equal_embeddings_is_zero():
    """The root has no slope at distance zero: NaN here would end a training at its start."""
    leaf = torch.ones(6, 4, requires_grad=True)
    pattern_density(leaf, 0.85).sum().backward()
    assert not leaf.grad.any()


def test_input_is_left_alone_and_half_precision_is_raised():
    embedding = draw(9).bfloat16()
    kept = embedding.clone()
    assert pattern_density(embedding, 0.85).dtype == torch.float32
    assert torch.equal(embedding, kept)


@pytest.mark.parametrize("bandwidth", [0.0, -0.85, math.nan])
def test_bandwidth_must_be_positive(bandwidth):
    with pytest.raises(ValueError, match="is not positive"):
        pattern_density(draw(3), bandwidth)
