"""Long windows cut into hours, and a Transformer that fills in hidden hours.

What TPB, STGP and TransGTR share: a series before a label step as patches (tokens) of an hour,
and masked pre-training on them (Nie et al. 2023; Shao et al., "STEP", KDD 2022).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.speedgraph.problem.long_windows import WEEK

Patches = Float[Tensor, "row patch step"]
Tokens = Float[Tensor, "row patch width"]
Marks = Float[Tensor, "#row patch width"]  # of each row, or the same for all


@dataclass(frozen=True)
class PatchEncoderSize:
    """A masked patch encoder; the defaults are TPB's."""

    width: int = 128
    heads: int = 4
    layers: int = 4
    hidden: int = 512  # of the feed-forward part
    decoder_layers: int = 1
    places: int = 1000  # rows of the table of positions
    hide: float = 0.75  # share of patches hidden
    norms: bool = False  # a LayerNorm behind encoder and decoder
    dropout: float = 0.1


class PatchEncoder(nn.Module):
    """Patches of a series -> tokens, and back where patches are hidden.

    1,139,212 parameters for TPB's sizes, 667,404 for TransGTR's teacher, with patches of 12.
    """

    def __init__(self, patch: int, size: PatchEncoderSize):
        super().__init__()
        self.size, width = size, size.width
        self.embed = nn.Linear(patch, width)
        self.places = nn.Embedding(size.places, width)
        self.encoder = Layers(width, size.heads, size.layers, size.hidden, size.dropout)
        self.bridge = nn.Linear(width, width)
        self.hidden = nn.Parameter(torch.empty(width))
        self.decoder = Layers(width, size.heads, size.decoder_layers, size.hidden, size.dropout)
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2 * size.norms)])
        self.out = nn.Linear(width, patch)
        nn.init.uniform_(self.places.weight, -0.02, 0.02)
        nn.init.trunc_normal_(self.hidden, std=0.02)

    def forward(self, x: Patches, marks: Marks) -> Tokens:
        """Tokens of patches [R, P, S]; `marks` [R or 1, P, C] say where they are."""
        tokens = self.encoder(self.embed(x) + marks)
        return self.norms[0](tokens) if self.norms else tokens

    def last(self, x: Patches, marks: Marks) -> Float[Tensor, "row width"]:
        """The token of the newest patch."""
        token = self.encoder.last(self.embed(x) + marks)
        return self.norms[0](token) if self.norms else token

    def reconstruct(
        self, x: Patches, marks: Marks
    ) -> tuple[Float[Tensor, "row hidden step"], Int[Tensor, " hidden"]]:
        """Hidden patches as guessed [R, H, S], and which they are; the same in every row."""
        hidden, shown = mask_indices(x.shape[1], self.size.hide, x.device)
        marks = marks.expand(len(x), -1, -1)
        seen = self.bridge(self(x[:, shown], marks[:, shown]))
        tokens = self.decoder(torch.cat([seen, self.hidden + marks[:, hidden]], 1))
        tokens = tokens[:, len(shown) :]
        return self.out(self.norms[1](tokens) if self.norms else tokens), hidden


class Layers(nn.TransformerEncoder):
    """Transformer layers on inputs times sqrt(width), as all three releases have them."""

    def __init__(self, width: int, heads: int, count: int, hidden: int, dropout: float):
        layer = nn.TransformerEncoderLayer(width, heads, hidden, dropout, batch_first=True)
        super().__init__(layer, count, enable_nested_tensor=False)
        self.scale = math.sqrt(width)
        for parameter in self.parameters():  # layers are copies of one: each its own start
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x: Tokens) -> Tokens:
        """Tokens that have heard one another."""
        return super().forward(x * self.scale)

    def last(self, x: Tokens) -> Float[Tensor, "row width"]:
        """The last token alone, for which the last layer need not work out the others."""
        x = x * self.scale
        for layer in self.layers[:-1]:
            x = layer(x)
        layer, own = self.layers[-1], x[:, -1:]
        heard, _ = layer.self_attn(own, x, x, need_weights=False)
        own = layer.norm1(own + layer.dropout1(heard))
        wide = layer.linear2(layer.dropout(layer.activation(layer.linear1(own))))
        return layer.norm2(own + layer.dropout2(wide))[:, 0]


def mask_indices(
    count: int, share: float, device: torch.device | None = None
) -> tuple[Int[Tensor, " hidden"], Int[Tensor, " shown"]]:
    """Which of `count` are hidden and which shown, both in order and neither empty."""
    order = torch.randperm(count).to(device)
    hide = min(max(int(count * share), 1), count - 1)
    return order[:hide].sort().values, order[hide:].sort().values


def patchify(
    x: Float[Tensor, "b node lag feature"], patch: int
) -> tuple[Patches, Int[Tensor, "row patch"]]:
    """Speeds of windows as patches [B * N, P, S], and each patch's hour of the week [B * N, P]."""
    rows = x.flatten(0, 1).unflatten(1, (-1, patch))
    return rows[..., 0], rows[..., 0, 1].long() % WEEK
