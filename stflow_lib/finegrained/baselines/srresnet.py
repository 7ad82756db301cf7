"""SRResNet: residual blocks, then PixelShuffle (Ledig et al., CVPR 2017), without its GAN."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import (
    Residual,
    conv,
    doublings,
    init_normal,
    leaky,
)
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method


@dataclass(frozen=True)
class SRResNetSettings(NetworkSettings):
    """SRResNet as the count in UrbanSTC's Table 10 has it: no adversary, no VGG."""

    blocks: int = 16  # residual blocks


def normed(channels: int) -> list[nn.Module]:
    """conv3x3, InstanceNorm with a gain and a shift for each channel."""
    return [conv(channels, channels, bias=False), nn.InstanceNorm2d(channels, affine=True)]


class SRResNet(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used.

    The first features are added again after the residual blocks; no convolution has a bias.
    """

    def __init__(self, task: Task, settings: SRResNetSettings):
        super().__init__()
        width, up = settings.channels, []
        for _ in range(doublings(task.factor)):
            up += [conv(width, 4 * width, bias=False), nn.PixelShuffle(2), leaky()]
        self.first = nn.Sequential(conv(1, width, 9, bias=False), leaky())
        blocks = [
            Residual(*normed(width), leaky(), *normed(width)) for _ in range(settings.blocks)
        ]
        self.blocks = nn.Sequential(*blocks)
        self.after = nn.Sequential(*normed(width))
        self.up = nn.Sequential(*up)
        self.last = conv(width, 1, 9, bias=False)
        self.split = settings.split(task.factor)
        init_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Residual features, enlarged and split."""
        first = self.first(coarse)
        features = first + self.after(self.blocks(first))
        return self.split(self.last(self.up(features)), coarse)


METHOD = network_method("SRResNet", SRResNetSettings, SRResNet)
