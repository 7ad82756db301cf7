"""The network of PDFormer: attention over time, near cells and cells alike.

Jiang et al., AAAI 2023. Sizes are those of its settings for grids.
"""

import math
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from stflow_lib.gridflow.baselines.pdformer.views import EIGENVECTORS, SHAPE_HOURS, Views
from stflow_lib.gridflow.training.schedule import Schedule

MINUTES, WEEKDAYS = 1440, 7
ON_DAYS = partial(Schedule, epochs=200, batch=16, patience=50, weight_decay=0.0, clip=5.0)


@dataclass(frozen=True)
class PDFormerSettings:
    """PDFormer as its settings for taxi grids have it; 32 wide for the bikes of Chicago."""

    width: int = 64  # d, embedding
    blocks: int = 6
    heads: tuple[int, int, int] = (4, 2, 2)  # temporal, geographic, semantic
    ratio: int = 4  # of the MLP's hidden layer to d
    skip: int = 256  # width of the summed outputs of all blocks
    drop_path: float = 0.3  # of the last block, rising from 0
    huber: float = 2.0  # trips, from which the loss is linear
    last_value: bool = False  # predict the change against the last hour, at first none
    training: Schedule = field(default_factory=ON_DAYS)

    def __post_init__(self):
        if self.width % sum(self.heads):
            raise ValueError(f"width {self.width} is no multiple of {sum(self.heads)} heads")


class Attention(nn.Module):
    """Three kinds of heads side by side, [B, L, N, d] -> the same.

    The keys of the geographic heads also carry what usually follows: each cell's last hours
    are compared with the known shapes, and the mean of the shapes so weighted is added.
    """

    def __init__(self, settings: PDFormerSettings, directions: int):
        super().__init__()
        width, self.heads = settings.width, settings.heads
        self.size = width // sum(self.heads)
        self.qkv = nn.ModuleList([nn.Linear(width, 3 * h * self.size) for h in self.heads])
        near = self.heads[1] * self.size
        self.past = nn.ModuleList([nn.Linear(width, near) for _ in range(directions)])
        self.known = nn.ModuleList([nn.Linear(width, 2 * near) for _ in range(directions)])
        self.last = nn.Linear(width, width)

    def forward(
        self,
        x: Float[Tensor, "b lag cell d"],
        past: Float[Tensor, "direction b lag cell d"],
        shapes: Float[Tensor, "direction shape d"],
        masks: tuple[Bool[Tensor, "cell cell"], Bool[Tensor, "cell cell"]],
    ) -> Float[Tensor, "b lag cell d"]:
        """All heads' answers side by side, mixed; masks: near, alike."""
        near, alike = masks
        time, place, kind = (part(x).chunk(3, 3) for part in self.qkv)
        delayed = place[1] + self._delay(past, shapes)
        swap = partial(rearrange, pattern="b l n d -> b n l d")
        out = [
            swap(self._attend(*map(swap, time), self.heads[0])),
            self._attend(place[0], delayed, place[2], self.heads[1], near),
            self._attend(*kind, self.heads[2], alike),
        ]
        return self.last(torch.cat(out, 3))

    def _attend(
        self,
        q: Float[Tensor, "b lag cell width"],
        k: Float[Tensor, "b lag cell width"],
        v: Float[Tensor, "b lag cell width"],
        heads: int,
        mask: Bool[Tensor, "cell cell"] | None = None,
    ) -> Float[Tensor, "b lag cell width"]:
        split = partial(rearrange, pattern="b l n (h c) -> b l h n c", h=heads)
        out = F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=mask)
        return rearrange(out, "b l h n c -> b l n (h c)")

    def _delay(
        self,
        past: Float[Tensor, "direction b lag cell d"],
        shapes: Float[Tensor, "direction shape d"],
    ) -> Float[Tensor, "b lag cell near"]:
        total = 0
        for ask, tell, x, shape in zip(self.past, self.known, past, shapes, strict=True):
            k, v = tell(shape).chunk(2, 1)
            weights = (ask(x) @ k.T * self.size**-0.5).softmax(3)
            total = total + weights @ v
        return total


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)); whole samples skip a branch at random."""

    def __init__(self, settings: PDFormerSettings, directions: int, drop: float):
        super().__init__()
        width, self.drop = settings.width, drop
        self.norms = nn.ModuleList([nn.LayerNorm(width, eps=1e-6) for _ in range(2)])
        self.attention = Attention(settings, directions)
        self.mlp = nn.Sequential(
            nn.Linear(width, settings.ratio * width), nn.GELU(),
            nn.Linear(settings.ratio * width, width),
        )  # fmt: skip

    def forward(
        self,
        x: Float[Tensor, "b lag cell d"],
        past: Float[Tensor, "direction b lag cell d"],
        shapes: Float[Tensor, "direction shape d"],
        masks: tuple[Bool[Tensor, "cell cell"], Bool[Tensor, "cell cell"]],
    ) -> Float[Tensor, "b lag cell d"]:
        """Both branches in turn; what attention reads beside x is as in `Attention`."""
        x = x + self._kept(self.attention(self.norms[0](x), past, shapes, masks))
        return x + self._kept(self.mlp(self.norms[1](x)))

    def _kept(self, branch: Float[Tensor, "b lag cell d"]) -> Float[Tensor, "b lag cell d"]:
        if not (self.training and self.drop):
            return branch
        keep = torch.rand(len(branch), 1, 1, 1, device=branch.device) >= self.drop
        return branch * keep / (1 - self.drop)


class PDFormer(nn.Module):
    """x [B, L, N, D] z-scored, minute of the day and weekday [B, L] -> next hour [B, N, D].

    `known` is what `views.views` has drawn from the city; it is no parameter. A weekday that
    is not among its `weekdays` has the mean of their rows: its own would never be trained. The
    original gives 12 steps at once; with one, the layer over time can start below 0 everywhere
    and never learn behind its ReLU, so its weights start positive.
    """

    def __init__(
        self, lags: int, known: Views, settings: PDFormerSettings = PDFormerSettings()
    ):
        super().__init__()
        directions, width = known.shapes.shape[2], settings.width
        self.last_value = settings.last_value
        for name in ("near", "alike", "place", "shapes", "weekdays"):
            self.register_buffer(name, getattr(known, name), persistent=False)
        self.register_buffer("steps", sinusoids(lags, width), persistent=False)
        self.value = nn.Linear(directions, width)
        self.minute, self.weekday = nn.Embedding(MINUTES, width), nn.Embedding(WEEKDAYS, width)
        self.where = nn.Linear(EIGENVECTORS, width)
        self.hours = nn.ModuleList([nn.Linear(SHAPE_HOURS, width) for _ in range(directions)])
        drops = torch.linspace(0, settings.drop_path, settings.blocks).tolist()
        self.blocks = nn.ModuleList([Block(settings, directions, drop) for drop in drops])
        self.skips = nn.ModuleList([nn.Linear(width, settings.skip) for _ in drops])
        self.over_time, self.last = nn.Linear(lags, 1), nn.Linear(settings.skip, directions)
        with torch.no_grad():
            self.over_time.weight.abs_()
            self.over_time.bias.zero_()
            if self.last_value:
                self.last.weight.zero_()
                self.last.bias.zero_()

    def forward(
        self,
        x: Float[Tensor, "b lag cell direction"],
        minute: Int[Tensor, "b lag"],
        weekday: Int[Tensor, "b lag"],
    ) -> Float[Tensor, "b cell direction"]:
        """The next hour of every cell, z-scored."""
        clock = self.steps + self.minute(minute) + self._rows()[weekday]
        h = self.value(x) + clock[:, :, None] + self.where(self._place())
        past = torch.stack([e(p) for e, p in zip(self.hours, recent(x), strict=True)])
        shapes = torch.stack(
            [e(s) for e, s in zip(self.hours, self.shapes.unbind(2), strict=True)]
        )
        total = 0
        for block, skip in zip(self.blocks, self.skips, strict=True):
            h = block(h, past, shapes, (self.near, self.alike))
            total = total + skip(h)
        summed = self.over_time(F.relu(total).movedim(1, 3))[..., 0]  # [B, N, skip]
        change = self.last(F.relu(summed))
        return x[:, -1] + change if self.last_value else change

    def _rows(self) -> Float[Tensor, "weekday d"]:
        """The table of weekdays, those never seen filled with the mean of the others."""
        rows, seen = self.weekday.weight, self.weekdays[:, None]
        return torch.where(seen, rows, (rows * seen).sum(0) / seen.sum())

    def _place(self) -> Float[Tensor, "cell eigenvector"]:
        """Eigenvectors have no sign of their own: in training each gets one at random."""
        if not self.training:
            return self.place
        return self.place * (torch.randint(0, 2, self.place[:1].shape).to(self.place) * 2 - 1)


def recent(
    x: Float[Tensor, "b lag cell direction"],
) -> Float[Tensor, "direction b lag cell hour"]:
    """The last `SHAPE_HOURS` hours up to each step, zeros before the window."""
    padded = F.pad(x, (0, 0, 0, 0, SHAPE_HOURS - 1, 0))
    return padded.unfold(1, SHAPE_HOURS, 1).movedim(3, 0)


def sinusoids(steps: int, width: int) -> Float[Tensor, "step d"]:
    """The fixed code of a step's position: sines in even, cosines in odd columns."""
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = torch.arange(steps)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :width]
