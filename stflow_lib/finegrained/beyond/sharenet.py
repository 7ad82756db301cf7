"""ShareNet: the block's historical shares, corrected by a small network (a method of this book)."""

import math
from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import Residual, conv, upsample_nearest
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import network_method
from stflow_lib.training.loop import Training


@dataclass(frozen=True)
class ShareNetSettings:
    """ShareNet has no last layer to choose: a softmax over each block cannot lose a vehicle."""

    channels: int = 128  # C, feature maps
    blocks: int = 4  # residual blocks, all on the coarse grid
    modes: int = 2  # K, learned maps per fine cell that the network mixes
    smoothing: float = 1.0  # vehicles added to every fine cell's historical count
    training: Training = field(
        default_factory=partial(Training, epochs=200, learning_rate=1e-3, halve_every=50)
    )


def historical_shares(task: Task, smoothing: float) -> Float[Tensor, "1 1 fine_row fine_col"]:
    """What part of its block each fine cell had over all training maps, directions together.

    [1, 1, HM, WM], summing to one in every block: (vehicles + smoothing) over the block's sum of
    the same. A block that was always empty is split evenly. Raises ValueError unless
    smoothing > 0, since the logarithm of a share of zero is not finite.
    """
    if not smoothing > 0:
        raise ValueError(f"ShareNet: smoothing {smoothing} is not positive")
    counts = task.fine[task.train].sum(0, keepdim=True) + smoothing
    return counts / upsample_nearest(
        F.avg_pool2d(counts, task.factor) * task.factor**2, task.factor
    )


def gelu_residual(channels: int) -> Residual:
    """x + conv3x3(GELU(conv3x3(GELU(x)))): [B, C, H, W] -> the same."""
    layers = (nn.GELU(), conv(channels, channels), nn.GELU(), conv(channels, channels))
    return Residual(*layers)


class ShareNet(nn.Module):
    """coarse [B, 1, H, W], external [B, E] (not used) -> fine [B, 1, HM, WM], vehicles.

    Score of a fine cell = log of its share + a correction + K modes of the place, mixed by the
    map: `s = log h + c(X) + sum_k a_k(X) m_k`; softmax over the M^2 cells of a block, times its
    count. h [HM, WM] starts as the historical shares and m_k as noise; both are parameters.
    c [M^2] and a [K] per coarse cell are the network's output, zero at the start: an untrained
    ShareNet predicts by the historical shares.
    """

    def __init__(self, task: Task, settings: ShareNetSettings):
        super().__init__()
        width, cells = settings.channels, task.factor**2
        shares = historical_shares(task, settings.smoothing)
        self.factor = task.factor
        self.log_shares = nn.Parameter(shares.log())
        self.modes = nn.Parameter(0.1 * torch.randn(settings.modes, *shares.shape[1:]))
        self.body = nn.Sequential(
            nn.Conv2d(1 + cells, width, 3, padding=1),
            *[gelu_residual(width) for _ in range(settings.blocks)],
            nn.GELU(),
        )
        self.last = nn.Conv2d(width, cells + settings.modes, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def correction(self, coarse: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b cell r c"]:
        """c + sum_k a_k m_k: what is added to the log shares, [B, M^2, H, W], no unit."""
        cells, shares = self.factor**2, F.pixel_unshuffle(self.log_shares, self.factor)
        place = (shares + math.log(cells)).expand(len(coarse), -1, -1, -1)  # even split: zero
        out = self.last(self.body(torch.cat([torch.log1p(coarse), place], 1))).float()
        modes = F.pixel_unshuffle(self.modes, self.factor)[None]
        return out[:, :cells] + (out[:, cells:, None] * modes).sum(1)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Softmax of every block's scores, times its count."""
        scores = F.pixel_unshuffle(self.log_shares, self.factor) + self.correction(coarse)
        return F.pixel_shuffle(scores.softmax(1) * coarse, self.factor)


METHOD = network_method("ShareNet", ShareNetSettings, ShareNet)
