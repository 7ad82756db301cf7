"""Diffusion over sequences of parameters (GPD, Yuan et al., ICLR 2024).

A vector is a row of tokens; noise is added over many steps, and a Transformer with a narrow view
learns to take it away, told what sensor the vector belongs to.
"""

from copy import deepcopy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.networks.positions import positions

Sequences = Float[Tensor, "row token channel"]
Prompts = Float[Tensor, "row prompt"]
Scalar = Float[Tensor, ""]
Share = Float[Tensor, "row 1 1"]


@dataclass(frozen=True)
class DiffusionSize:
    """The denoiser and the noise of the release."""

    token: int = 64  # parameters in a token
    width: int = 512
    layers: int = 3
    heads: int = 10
    head: int = 10  # width of a head
    hidden: int = 2048
    window: int = 5  # tokens that attention reaches, itself in the middle
    dropout: float = 0.2
    steps: int = 500  # of noise
    first: float = 1e-5  # beta
    last: float = 0.02


class Layer(nn.Module):
    """Attention to tokens near by, scores over sqrt(sequence) as in the release, feed-forward."""

    def __init__(self, size: DiffusionSize):
        super().__init__()
        inner, self.heads = size.heads * size.head, size.heads
        self.into, self.out = nn.Linear(size.width, 3 * inner), nn.Linear(inner, size.width)
        self.wide = nn.Sequential(
            nn.Linear(size.width, size.hidden), nn.ReLU(), nn.Dropout(size.dropout),
            nn.Linear(size.hidden, size.width),
        )  # fmt: skip
        self.norms = nn.ModuleList([nn.LayerNorm(size.width) for _ in "aw"])
        self.drop = nn.Dropout(size.dropout)

    def forward(self, x: Sequences, near: Bool[Tensor, "token token"]) -> Sequences:
        """Tokens that have heard those near by."""
        q, k, v = self.into(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(q, k, v, near, scale=x.shape[1] ** -0.5)
        x = self.norms[0](x + self.drop(self.out(heard.transpose(1, 2).flatten(2))))
        return self.norms[1](x + self.drop(self.wide(x)))


class Denoiser(nn.Module):
    """Noisy tokens [R, T, C], steps of noise [R], prompts [R, E] -> v [R, T, C]."""

    def __init__(self, prompt: int, size: DiffusionSize):
        super().__init__()
        self.size, width = size, size.width
        self.start, self.prompt = nn.Linear(size.token, width), nn.Linear(prompt, width)
        self.step = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.layers = nn.ModuleList([Layer(size) for _ in range(size.layers)])
        self.out = nn.Linear(width, size.token)

    def forward(self, x: Sequences, steps: Int[Tensor, " row"], prompts: Prompts) -> Sequences:
        """v, from which data and noise follow."""
        count, width = x.shape[1], self.size.width
        place = torch.arange(count, device=x.device)
        near = (place[:, None] - place).abs() <= self.size.window // 2
        said = self.step(positions(self.size.steps, width).to(x)[steps]) + self.prompt(prompts)
        x = self.start(x) + positions(count, width).to(x) + said[:, None]
        for layer in self.layers:
            x = layer(x, near)
        return self.out(x)


class Diffusion(nn.Module):
    """The denoiser, its running mean, and the noise between data (step 0) and nothing but noise."""

    def __init__(self, prompt: int, size: DiffusionSize):
        super().__init__()
        self.size, self.denoiser = size, Denoiser(prompt, size)
        self.mean = deepcopy(self.denoiser)
        beta = torch.linspace(size.first, size.last, size.steps, dtype=torch.double)
        self.register_buffer("signal", (1 - beta).cumprod(0).float())  # squared share of data
        self.register_buffer("turn", torch.zeros((), dtype=torch.int64))

    def error(self, clean: Sequences, prompts: Prompts) -> Scalar:
        """Squared error of v = a noise - s clean, weighted by snr / (snr + 1), at drawn steps."""
        steps = torch.randint(self.size.steps, (len(clean),)).to(clean.device)
        noise = torch.randn(clean.shape).to(clean)
        a, s = self.shares(steps)
        network = self.denoiser if self.training else self.mean
        guess = network(a * clean + s * noise, steps, prompts)
        off = (guess - (a * noise - s * clean)).square().mean((1, 2))
        return (self.signal[steps] * off).mean()

    def shares(self, steps: Int[Tensor, " row"]) -> tuple[Share, Share]:
        """Of data and of noise; their squares sum to 1."""
        data = self.signal[steps][:, None, None]
        return data.sqrt(), (1 - data).sqrt()

    @torch.no_grad()
    def follow(self, every: int = 10, kept: float = 0.995) -> None:
        """Move the running mean, once in `every` calls; the first moves are the larger ones."""
        self.turn += 1
        move = int(self.turn) // every
        if int(self.turn) % every == 0:
            part = 1 - min(kept, move / (move + 10))
            for own, new in zip(
                self.mean.parameters(), self.denoiser.parameters(), strict=True
            ):
                own.lerp_(new, part)

    @torch.no_grad()
    def sampled(self, prompts: Prompts, count: int, seed: int) -> Sequences:
        """Sequences of `count` tokens in [-1, 1], from noise, step by step (ancestral)."""
        draw = torch.Generator().manual_seed(seed)
        normal = lambda: torch.randn(len(prompts), count, self.size.token, generator=draw)
        x = normal().to(prompts)
        for step in reversed(range(self.size.steps)):
            at = torch.full((len(prompts),), step, device=x.device)
            a, s = self.shares(at)
            clean = (a * x - s * self.mean(x, at, prompts)).clamp(-1, 1)
            x = self.before(x, clean, step) + self.spread(step) * normal().to(x)
        return clean

    def before(self, x: Sequences, clean: Sequences, step: int) -> Sequences:
        """Mean of the sequence one step earlier, given this one and the clean one."""
        now, then, beta = self.around(step)
        return (then.sqrt() * beta * clean + (1 - beta).sqrt() * (1 - then) * x) / (1 - now)

    def spread(self, step: int) -> Scalar:
        """Its deviation; 0 before the first step."""
        now, then, beta = self.around(step)
        return (beta * (1 - then) / (1 - now)).sqrt()

    def around(self, step: int) -> tuple[Scalar, Scalar, Scalar]:
        """Squared shares of data at this step and one before, and the noise added between."""
        now = self.signal[step]
        then = self.signal[step - 1] if step else torch.ones_like(now)
        return now, then, 1 - now / then


class Scale(nn.Module):
    """Vectors [R, P] <-> tokens in [-1, 1], each tensor of a network by its largest entry."""

    def __init__(self, vectors: Float[Tensor, "row parameter"], sizes: list[int], token: int):
        super().__init__()
        top = [
            p.abs().max().clamp_min(1e-8).expand(p.shape[1]) for p in vectors.split(sizes, 1)
        ]
        self.register_buffer("top", torch.cat(top))
        self.token, self.spare = token, -vectors.shape[1] % token

    def tokens(self, vectors: Float[Tensor, "row parameter"]) -> Sequences:
        """The last token is filled up with zeros."""
        return F.pad(vectors / self.top, (0, self.spare)).unflatten(1, (-1, self.token))

    def vectors(self, tokens: Sequences) -> Float[Tensor, "row parameter"]:
        """Back again."""
        return tokens.flatten(1)[:, : len(self.top)] * self.top
