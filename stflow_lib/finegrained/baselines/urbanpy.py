"""UrbanPy: a cascade of twofold refinements (Ouyang et al., TKDE 2020)."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import (
    ExternalFactors,
    Split,
    Upsample,
    doublings,
    init_normal,
    normed_residual,
    upsample_nearest,
)
from stflow_lib.finegrained.networks.scales import block_sums, flow_scales
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method

# Of flows in Beijing by a map's side, as UrbanPy's release has them.
PUBLISHED = {8: 8000.0, 16: 3000.0, 32: 1500.0, 64: 400.0, 128: 100.0}
COMPRESSED = 2  # channels that a proposal keeps for its local convolution


@dataclass(frozen=True)
class UrbanPySettings(NetworkSettings):
    """UrbanPy without geographic features, as the tables of UrbanSTC ran it.

    `constraint` must be "m2": every stage hands a density to the next one, and only M2 makes one.
    """

    blocks: int = 16  # residual blocks of a stage
    external: bool = False  # concatenate weather and calendar to the maps of every stage
    divergence: float = 0.01  # share of the KL term in the loss; the squared error has the rest
    scales: str = "training"  # divisors: deviations in training, or "published" for Beijing


class LocalConvolution(nn.Module):
    """A matrix of its own for every coarse cell: [B, C, Hs, Ws] -> [B, 1, Hs, Ws].

    The C s^2 values of a block become its s^2 new ones; weight [H W, C s^2, s^2] from N(0, 1).
    """

    def __init__(self, channels: int, rows: int, cols: int, side: int):
        super().__init__()
        self.rows, self.cols, self.side = rows, cols, side
        inputs, outputs = channels * side**2, side**2
        self.weight = nn.Parameter(torch.randn(rows * cols, inputs, outputs))

    def forward(self, x: Float[Tensor, "b c fr fc"]) -> Float[Tensor, "b 1 fr fc"]:
        """Every block by its own matrix."""
        batch, rows, cols, side = len(x), self.rows, self.cols, self.side
        blocks = x.reshape(batch, -1, rows, side, cols, side).permute(2, 4, 0, 1, 3, 5)
        found = blocks.reshape(rows * cols, batch, -1) @ self.weight  # [H W, B, s^2]
        found = found.reshape(rows, cols, batch, side, side).permute(2, 0, 3, 1, 4)
        return found.reshape(batch, 1, rows * side, cols * side)


class Stage(nn.Module):
    """One doubling, to s x s fine cells in a coarse one; w is the resolution that comes in.

    `features` and `up` make the maps F and U; `correction` reads U, `proposal` the features and
    the density of the stage before; `split` and `merge` are M2-normalisations with block s.
    Unlike in the original, the correction's bias starts at 0.
    """

    def __init__(self, settings: UrbanPySettings, rows: int, cols: int, side: int):
        super().__init__()
        seen = settings.channels + settings.external
        self.features = nn.Sequential(
            *[normed_residual(settings.channels) for _ in range(settings.blocks)]
        )
        self.up = Upsample(settings.channels, 2, norm=True)
        self.correction = nn.Conv2d(seen, 1, 1)
        self.proposal = nn.Sequential(
            normed_residual(1 + seen),
            nn.Conv2d(1 + seen, 4 * COMPRESSED, 3, padding=1),
            nn.BatchNorm2d(4 * COMPRESSED),
            nn.PixelShuffle(2),
            nn.ReLU(True),
            nn.Dropout(0.5),
            LocalConvolution(COMPRESSED, rows, cols, side),
        )
        self.split = settings.split(side)
        self.merge = Split(side, safe=settings.safe)

    def forward(
        self,
        finer: Float[Tensor, "b e w2 h2"],
        known: Float[Tensor, "b d w h"],
        whole: Float[Tensor, "b 1 r c"],
    ) -> Float[Tensor, "b 1 w2 h2"]:
        """U and features with their external maps, coarse maps of ones -> the next density."""
        correction = self.split(self.correction(finer), whole)
        proposal = self.split(self.proposal(known), whole)
        return self.merge(correction + proposal, whole)


class UrbanPy(nn.Module):
    """coarse [B, 1, H, W], external [B, E] -> fine [B, 1, HM, WM], vehicles.

    Coarse flows are divided by the first of `scales` at the input, those of a stage by the
    stage's own in the loss. Raises ValueError for a constraint other than "m2", and for an M that
    is no power of two.
    """

    scales: Float[Tensor, " stage"]

    def __init__(self, task: Task, settings: UrbanPySettings):
        super().__init__()
        if settings.constraint != "m2":
            raise ValueError(
                f"UrbanPy: constraint {settings.constraint!r}: its stages hand on densities, "
                "which only 'm2' makes"
            )
        (rows, cols), extra = task.coarse.shape[2:], int(settings.external)
        self.share = settings.divergence
        sides = [2**i for i in range(doublings(task.factor) + 1)]
        scales = flow_scales(settings.scales, task, sides, published(task))
        self.register_buffer("scales", scales)
        self.external = None
        if extra:
            self.external = ExternalFactors(task.external_names, rows, cols, dropout=0.5)
            self.external_up = Upsample(1, 2, norm=True)
        self.first = nn.Sequential(
            nn.Conv2d(1 + extra, settings.channels, 9, padding=4), nn.ReLU(True)
        )
        self.stages = nn.ModuleList([Stage(settings, rows, cols, side) for side in sides[1:]])
        init_normal(self)
        for stage in self.stages:  # PyTorch's own bias would start narrow stages dead
            nn.init.zeros_(stage.correction.bias)

    def densities(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> list[Float[Tensor, "b 1 _ _"]]:
        """Shares [B, 1, Hs, Ws] of the coarse cells, s = 2, 4, ..., M: each block sums to 1."""
        weather = [] if self.external is None else [self.external(external)]
        maps = self.first(torch.cat([coarse / self.scales[0], *weather], 1))
        found, features = [torch.ones_like(coarse)], []
        for stage in self.stages:
            features = [*map(_doubled, features), stage.features(maps)]
            maps = stage.up(features[-1])
            known = [found[-1], sum(features) / len(features), *weather]
            weather = [self.external_up(w) for w in weather]
            finer = torch.cat([maps, *weather], 1)
            found.append(stage(finer, torch.cat(known, 1), found[0]))
        return found[1:]

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The last stage's shares times the coarse counts."""
        density = self.densities(coarse, external)[-1]
        return density * upsample_nearest(coarse, density.shape[2] // coarse.shape[2])


def _doubled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="nearest")


def published(task: Task) -> list[float]:
    """UrbanPy's own divisors: of the coarse map, then of every stage.

    Found by the power of two that is nearest to sqrt(rows cols) by its logarithm, between 8 and
    128.
    """
    rows, cols = task.coarse.shape[2:]
    first = round(math.log2(rows * cols) / 2)
    stages = range(doublings(task.factor) + 1)
    return [PUBLISHED[2 ** min(max(first + i, 3), 7)] for i in stages]


def divergence(
    density: Float[Tensor, "b 1 fr fc"],
    truth: Float[Tensor, "b 1 fr fc"],
    coarse: Float[Tensor, "b 1 r c"],
) -> Float[Tensor, ""]:
    """KL(truth | density) of a block, mean over blocks with vehicles, then over the batch.

    density and truth are shares of the coarse cell; 1e-9 guards both logarithms.
    """
    side = density.shape[2] // coarse.shape[2]
    full = (coarse > 0).float()
    truth = truth + 1e-9
    point = truth * (truth.log() - (density + 1e-9).log()) * upsample_nearest(full, side)
    return (point.sum((1, 2, 3)) / full.sum((1, 2, 3)).clamp_min(1)).mean()


def staged_error(network: UrbanPy, task: Task, batch: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """0.99 squared error of scaled flows + 0.01 KL, summed over the stages."""
    coarse, total, share = task.coarse[batch], 0.0, network.share
    found = network.densities(coarse, task.external[batch])
    for density, scale in zip(found, network.scales[1:], strict=True):
        side = density.shape[2] // coarse.shape[2]
        target, parent = (
            block_sums(task.fine[batch], task.factor // side),
            upsample_nearest(coarse, side),
        )
        error = F.mse_loss(density * parent / scale, target / scale)
        known = target / parent.clamp_min(1e-9)
        total = total + (1 - share) * error + share * divergence(density, known, coarse)
    return total


METHOD = network_method("UrbanPy", UrbanPySettings, UrbanPy, staged_error)
