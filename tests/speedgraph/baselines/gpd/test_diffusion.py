"""Noise and its removal by hand, and attention that reaches two tokens."""

import torch

from stflow_lib.speedgraph.baselines.gpd.diffusion import (
    Denoiser,
    Diffusion,
    DiffusionSize,
    Scale,
)

NOISE = DiffusionSize(8, 12, 1, 2, 4, 8, dropout=0.0, steps=6, first=0.05, last=0.5)


def test_scale_there_and_back():
    """Each tensor of the networks by its own largest entry; zeros at the end."""
    vectors = torch.tensor([[1.0, -2, 10, 5, 0], [2, 4, -20, 0, 0]])
    scale = Scale(vectors, [2, 2, 1], 4)
    tokens = scale.tokens(vectors)
    assert tokens.shape == (2, 2, 4)
    assert tokens[0].flatten()[:4].tolist() == [0.25, -0.5, 0.5, 0.25]
    assert not tokens[:, 1, 1:].any()
    torch.testing.assert_close(scale.vectors(tokens), vectors)


def test_attention_reaches_two_tokens(task):
    """Window 5, one layer: token 0 hears tokens 1 and 2 and not 3."""
    torch.manual_seed(0)
    net = Denoiser(3, NOISE).eval()
    x, at, prompts = torch.randn(1, 6, 8), torch.tensor([2]), torch.randn(1, 3)
    plain = net(x, at, prompts)
    for token, heard in ((2, True), (3, False)):
        other = x.clone()
        other[:, token] += 1
        assert torch.equal(net(other, at, prompts)[:, 0], plain[:, 0]) != heard


def test_shares_and_the_step_back_by_hand():
    """Squares sum to 1; the mean one step earlier is that of Ho et al. (2020), Eq. 7."""
    model = Diffusion(3, NOISE)
    a, s = model.shares(torch.arange(6))
    torch.testing.assert_close(a**2 + s**2, torch.ones(6, 1, 1))
    beta = torch.linspace(0.05, 0.5, 6)
    signal = torch.tensor([torch.prod(1 - beta[: k + 1]) for k in range(6)])
    torch.testing.assert_close(model.signal, signal)
    x, clean = torch.randn(1, 2, 8), torch.randn(1, 2, 8)
    want = (signal[2].sqrt() * beta[3] * clean + (1 - beta[3]).sqrt() * (1 - signal[2]) * x) / (
        1 - signal[3]
    )
    torch.testing.assert_close(model.before(x, clean, 3), want)
    want = (beta[3] * (1 - signal[2]) / (1 - signal[3])).sqrt()
    torch.testing.assert_close(model.spread(3), want)
    torch.testing.assert_close(model.before(x, clean, 0), clean)
    assert model.spread(0) == 0


def test_a_perfect_denoiser_gives_the_data_back(monkeypatch):
    """Told which vector it is: sampling ends there."""
    model, data = Diffusion(3, NOISE), torch.rand(2, 3, 8) * 2 - 1

    def v(x, steps, prompts):
        a, s = model.shares(steps)
        noise = (x - a * data) / s
        return a * noise - s * data

    monkeypatch.setattr(model.mean, "forward", v)
    got = model.sampled(torch.zeros(2, 3), 3, 0)
    torch.testing.assert_close(got, data, atol=1e-4, rtol=0)
    model.eval()
    assert model.error(data, torch.zeros(2, 3)).item() < 1e-6
