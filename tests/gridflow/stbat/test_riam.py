"""The pattern autoencoder: printed sizes, the printed divergence, weights and similarity."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from stflow_lib.gridflow.networks.stnet import STNet
from stflow_lib.gridflow.stbat.riam import (
    RIAM,
    RIAMSettings,
    normal_divergence,
    region_similarity,
)
from stflow_lib.training.method import count_parameters


def draw(regions=9, categories=14, seed=0):
    random = torch.Generator().manual_seed(seed)
    counts = torch.rand(regions, categories, generator=random)
    return counts / counts.sum(1, keepdim=True)


def module(features=6, seed=0, **settings):
    torch.manual_seed(seed)
    return RIAM(14, features, RIAMSettings(**settings))


def measured(regions=9, features=6):
    random = torch.Generator().manual_seed(1)
    mean, deviation = torch.rand(2, regions, features, generator=random)
    return mean, deviation + 0.1


def test_parameter_counts_of_the_paper():
    """With backbone and projector (197,120) they make the printed 606,015."""
    whole = module(features=256)
    assert count_parameters(whole.encoder) == 784
    assert count_parameters(whole.classifier) == 1_518
    assert count_parameters(whole.mean) + count_parameters(whole.deviation) == 19_008
    assert count_parameters(whole) + count_parameters(STNet()) + 197_120 == 606_015


@given(st.floats(-3, 3), st.floats(0.01, 5), st.floats(-3, 3), st.floats(0.01, 5))
def test_divergence_is_the_reference(mean, deviation, other, spread):
    """Predicted first, measured second: the order decides what divides what."""
    values = [torch.tensor(v, dtype=torch.float64) for v in (mean, deviation, other, spread)]
    want = kl_divergence(Normal(*values[:2]), Normal(*values[2:]))
    got = normal_divergence(*values)
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-12)
    assert got >= -1e-12


def test_divergence_is_zero_at_equality_only():
    mean, deviation = measured()
    assert normal_divergence(mean, deviation, mean, deviation).abs().max() == 0
    assert (normal_divergence(mean, deviation, mean + 0.1, deviation) > 0).all()


@pytest.mark.parametrize("kl", ["printed", "reverse"])
def test_loss_is_cross_entropy_plus_beta_divergence(kl):
    """Summed over J and categories, mean over regions."""
    shares, (mean, deviation) = draw(), measured()
    net = module(beta=0.3, kl=kl)
    phi = net(shares)
    pair = Normal(*net.distribution(phi)), Normal(mean, deviation)
    divergence = kl_divergence(*(pair if kl == "printed" else pair[::-1])).sum(1)
    crossed = -(shares * torch.log_softmax(net.classifier(phi), 1)).sum(1)
    got = net.loss(shares, mean, deviation)
    torch.testing.assert_close(got["loss"], (crossed + 0.3 * divergence).mean())
    torch.testing.assert_close(got["divergence"], divergence.mean().detach())


def test_poi_part_is_measured_from_its_floor():
    """A classifier that gives the shares back costs their entropy: 0 in the log."""
    net, shares = module(), torch.full((3, 14), 1 / 14)
    for parameter in net.classifier.parameters():
        torch.nn.init.zeros_(parameter)
    assert net.loss(shares, *measured(3))["poi"].abs() < 1e-6


def test_a_region_without_poi_costs_no_cross_entropy():
    """But gets an embedding, a distribution and a finite gradient."""
    net, shares = module(use_distribution=False), torch.zeros(3, 14)
    loss = net.loss(shares, *measured(3))["loss"]
    loss.backward()
    assert loss == 0 and net(shares).abs().max() > 0
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_ablations_leave_their_part_out():
    """Figure 3a: w/o POI no gradient reaches the classifier, w/o FDP none the heads."""
    for off, still in (("use_poi", "classifier"), ("use_distribution", "mean")):
        net = module(**{off: False})
        net.loss(draw(), *measured())["loss"].backward()
        gradients = [p.grad for p in getattr(net, still).parameters()]
        assert all(g is None or not g.any() for g in gradients)
        assert any(p.grad is not None and p.grad.any() for p in net.encoder.parameters())


def test_measured_statistics_get_no_gradient():
    """Step 2 of the training must leave the predictor alone."""
    mean, deviation = (m.requires_grad_() for m in measured())
    module().loss(draw(), mean, deviation)["loss"].backward()
    assert mean.grad is None and deviation.grad is None


def test_loss_is_finite_for_dead_features_and_negative_outputs():
    """sigma = 0 is floored, a negative raw deviation goes through the softplus."""
    net = module()
    torch.nn.init.constant_(net.deviation[2].bias, -100.0)
    mean, _ = measured()
    loss = net.loss(draw(), mean, torch.zeros_like(mean))["loss"]
    loss.backward()
    assert loss.isfinite() and all(p.grad.isfinite().all() for p in net.parameters())


def test_similarity_ties_equal_regions_exactly():
    """Rounding in the last bits would break ties at random."""
    phi = module()(torch.cat([draw(), draw()]))
    delta = region_similarity(phi)
    assert delta.dtype == torch.float64 and not delta.requires_grad
    assert torch.equal(delta[:, :9], delta[:, 9:]) and torch.equal(delta, delta.T)
    assert torch.equal(delta.diagonal(), torch.ones(18, dtype=torch.float64))


def test_balance_weights_rare_patterns_up():
    """Nine alike and one stranger, far apart: 10/18 and 5."""
    net, shares = module(bandwidth=1e-3), draw(2)[[0] * 9 + [1]]
    omega, delta, log = net.balance(shares)
    assert omega.tolist() == pytest.approx([10 / 18] * 9 + [5.0], rel=1e-5)
    assert not omega.requires_grad and omega.dtype == shares.dtype
    assert log["omega_max"] == pytest.approx(5) and log["omega_min"] == pytest.approx(10 / 18)
    assert log["omega_std"] == pytest.approx(math.sqrt(0.9 * (4 / 9) ** 2 + 0.1 * 16))
    assert log["neighbours"] == pytest.approx((81 + 1) / 10)
    assert delta[0, 8] == 1 > delta[0, 9]


def test_unknown_direction_is_an_error():
    with pytest.raises(ValueError, match="kl 'forward'"):
        RIAMSettings(kl="forward")


def two_layers(layers, x):
    first, _, last = layers
    hidden = (x @ first.weight.T + first.bias).clamp_min(0)
    return hidden @ last.weight.T + last.bias


def test_encoder_is_two_layers_with_a_relu_between():
    """Eq. 1; a last activation would keep embeddings out of three quarters of the space."""
    net, shares = module(), draw()
    phi = net(shares)
    torch.testing.assert_close(phi, two_layers(net.encoder, shares))
    assert phi.shape == (9, 32) and (phi < 0).any()


def test_decoder_by_its_formulas():
    """Eqs. 2 to 4: softmax of two layers, two layers, two layers kept above 0."""
    net = module()
    phi = net(draw())
    logs, mean, deviation = net.decode(phi)
    scores = two_layers(net.classifier, phi).exp()
    torch.testing.assert_close(logs.exp(), scores / scores.sum(1, keepdim=True))
    torch.testing.assert_close(mean, two_layers(net.mean, phi))
    raw = two_layers(net.deviation, phi)
    torch.testing.assert_close(deviation, (1 + raw.exp()).log() + 1e-3)


def test_similarity_is_the_cosine_of_each_pair():
    """Eq. 7, pair by pair; lengths do not count."""
    phi = torch.randn(5, 4, generator=torch.Generator().manual_seed(2)).double()
    phi[1] *= 7
    for i in range(5):
        for j in range(5):
            want = phi[i] @ phi[j] / (phi[i].norm() * phi[j].norm())
            assert region_similarity(phi)[i, j] == pytest.approx(want.item(), abs=6e-7)


def test_balance_is_the_printed_density_and_weight():
    """Eq. 6 with the normal density in D dimensions, then Eq. 14 as it stands.

    The self term left out, or a bandwidth that is a variance, would change the weights.
    """
    net, shares = module(width=3, bandwidth=0.05), draw()
    phi = net(shares).detach().double()
    kernel = MultivariateNormal(torch.zeros(3).double(), torch.eye(3).double())
    rho = [
        sum(kernel.log_prob((one - other) / 0.05).exp() for other in phi) / (0.05**3 * 9)
        for one in phi
    ]
    inverse = 1 / torch.stack(rho)
    omega, _, log = net.balance(shares)
    torch.testing.assert_close(omega.double(), 9 / inverse.sum() * inverse, rtol=1e-5, atol=0)
    assert omega.max() > 1.05 > 0.95 > omega.min() and 1 < log["neighbours"] < 9
