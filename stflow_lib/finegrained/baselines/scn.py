"""SCN: one residual block for all scales of a pyramid (Fan et al., AAAI 2020)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method

Features = Float[Tensor, "b c _ _"]


@dataclass(frozen=True)
class SCNSettings(NetworkSettings):
    """SCN as the count in UrbanSTC's Table 10 has it, M scales."""

    blocks: int = 16  # scale-wise residual blocks

    def __post_init__(self):
        if self.blocks < 1:
            raise ValueError(f"SCN: blocks {self.blocks}, want at least 1")


class NormedConv(nn.Conv2d):
    """Convolution whose kernels have a learnt norm (Salimans and Kingma, NeurIPS 2016, Eq. 2).

    Kernel of output channel o: gain_o v_o / |v_o|, v being `weight`. All gains start at `gain`
    with biases 0, or without one where PyTorch's start is: gain_o = |v_o|, random biases.
    """

    def __init__(self, inputs: int, outputs: int, size: int, gain: float | None = None):
        super().__init__(inputs, outputs, size, padding=size // 2)
        self.gain = nn.Parameter(self.norms().detach())
        if gain is not None:
            nn.init.constant_(self.gain, gain)
            nn.init.zeros_(self.bias)

    def norms(self) -> Float[Tensor, "out 1 1 1"]:
        """|v_o| of every output channel."""
        return torch.linalg.vector_norm(self.weight, dim=(1, 2, 3), keepdim=True)

    def forward(self, x: Float[Tensor, "b i r c"]) -> Float[Tensor, "b o r c"]:
        """[B, C, H, W] -> [B, C', H, W]."""
        kernel = self.weight * (self.gain / self.norms())
        return F.conv2d(x, kernel, self.bias, padding=self.padding)


def resize(x: Features, factor: float) -> Features:
    """Bilinear, corner pixels on corner pixels."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=True)


class Block(nn.Module):
    """x_s + r_s + down(r_{s-1}) + up(r_{s+1}), r_s = body(x_s), scales s from fine to coarse.

    Where a neighbour is missing, r_s itself takes the place of down(..) or up(..). A conv1x1
    and a bilinear resizing can change places, so both run on the coarser of the two scales.
    """

    def __init__(self, channels: int, gain: float):
        super().__init__()
        self.body = nn.Sequential(
            NormedConv(channels, 4 * channels, 3, 2.0),
            nn.ReLU(inplace=True),
            NormedConv(4 * channels, channels, 3, gain),
        )
        self.down = NormedConv(channels, channels, 1)
        self.up = NormedConv(channels, channels, 1)

    def forward(self, scales: list[Features]) -> list[Features]:
        """One map a scale, from fine to coarse -> the same."""
        own = [self.body(x) for x in scales]
        finer = own[:1] + [self.down(resize(r, 0.5)) for r in own[:-1]]
        coarser = [resize(self.up(r), 2.0) for r in own[1:]] + own[-1:]
        return [x + r + d + u for x, r, d, u in zip(scales, own, finer, coarser, strict=True)]


class SCN(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used.

    The map is padded at the lower and right edge, by its last values, to sides divisible by
    2^S, S = M scales, and the scores are cropped. Only the finest scale is read at the end, so
    that `down` of the last block is counted but never used.
    """

    def __init__(self, task: Task, settings: SCNSettings):
        super().__init__()
        width, self.scales = settings.channels, task.factor
        self.first = NormedConv(1, width, 3, 1.0)
        gain = settings.blocks**-0.5
        self.blocks = nn.Sequential(*[Block(width, gain) for _ in range(settings.blocks)])
        self.last = NormedConv(width, task.factor**2, 3, 1.0)
        self.skip = NormedConv(1, task.factor**2, 5, 1.0)
        self.shuffle = nn.PixelShuffle(task.factor)
        self.split = settings.split(task.factor)

    def pyramid(self, x: Features) -> list[Features]:
        """S maps, each half as high and wide as the one before."""
        scales = [x]
        for _ in range(self.scales - 1):
            scales.append(resize(scales[-1], 0.5))
        return scales

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The finest scale's scores and the skip's, split."""
        rows, cols = coarse.shape[2:]
        whole = 2**self.scales
        padded = F.pad(coarse, (0, -cols % whole, 0, -rows % whole), mode="replicate")
        finest = self.blocks(self.pyramid(self.first(padded)))[0]
        scores = self.last(finest)[..., :rows, :cols] + self.skip(coarse)
        return self.split(self.shuffle(scores), coarse)


METHOD = network_method("SCN", SCNSettings, SCN)
