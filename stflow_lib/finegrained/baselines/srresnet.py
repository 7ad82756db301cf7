"""SRResNet: residual blocks, then PixelShuffle (Ledig et al., CVPR 2017), without its GAN."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import doublings, init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method


@dataclass(frozen=True)
class SRResNetSettings(NetworkSettings):
    """SRResNet as the count in UrbanSTC's Table 10 has it: no adversary, no VGG."""

    blocks: int = 16  # residual blocks


def conv(inputs: int, outputs: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)


def normed(channels: int) -> list[nn.Module]:
    """conv3x3, InstanceNorm with a gain and a shift for each channel."""
    return [conv(channels, channels), nn.InstanceNorm2d(channels, affine=True)]


def leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.2, inplace=True)


class Residual(nn.Module):
    """[conv3x3, InstanceNorm, LeakyReLU 0.2, conv3x3, InstanceNorm] + input."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(*normed(channels), leaky(), *normed(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.body(x)


class SRResNet(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used.

    The first features are added again after the residual blocks; no convolution has a bias.
    """

    def __init__(self, task: Task, settings: SRResNetSettings):
        super().__init__()
        width, up = settings.channels, []
        for _ in range(doublings(task.factor)):
            up += [conv(width, 4 * width), nn.PixelShuffle(2), leaky()]
        self.first = nn.Sequential(conv(1, width, 9), leaky())
        self.blocks = nn.Sequential(*[Residual(width) for _ in range(settings.blocks)])
        self.after = nn.Sequential(*normed(width))
        self.up = nn.Sequential(*up)
        self.last = conv(width, 1, 9)
        self.split = settings.split(task.factor)
        init_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        first = self.first(coarse)
        features = first + self.after(self.blocks(first))
        return self.split(self.last(self.up(features)), coarse)


METHOD = network_method("SRResNet", SRResNetSettings, SRResNet)
