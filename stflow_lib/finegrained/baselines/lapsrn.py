"""LapSRN: a pyramid that adds a residual to an interpolated map (Lai et al., CVPR 2017)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import conv, doublings, leaky
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method


@dataclass(frozen=True)
class LapSRNSettings(NetworkSettings):
    """LapSRN as its public implementations have it, squared error on the last level."""

    channels: int = 64  # C, feature maps
    layers: int = 10  # conv3x3 C -> C before each doubling


def bilinear_kernel() -> Float[Tensor, "1 1 4 4"]:
    """The 4 x 4 kernel with which a transposed convolution of stride 2 interpolates linearly."""
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    return torch.outer(line, line)[None, None]


def he_normal(features: nn.Module) -> None:
    """Weights N(0, 2 / (taps x channels out)), taps that reach one output pixel (He et al., 2015).

    N(0, 0.02), the wing's usual start, shrinks a signal by 0.2 to 0.5 a layer: after twenty
    layers the gradients are below Adam's epsilon and only the interpolation learns.
    """
    for layer in features.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.kernel_size[0] ** 2
            if isinstance(layer, nn.ConvTranspose2d):
                taps //= layer.stride[0] ** 2
            nn.init.normal_(layer.weight, 0.0, math.sqrt(2 / (taps * layer.out_channels)))


class Level(nn.Module):
    """One doubling: features [B, C, h, w], map [B, 1, h, w] -> both at 2h, 2w."""

    def __init__(self, channels: int, layers: int):
        super().__init__()
        body = []
        for _ in range(layers):
            body += [conv(channels, channels, bias=False), leaky()]
        double = {"stride": 2, "padding": 1, "bias": False}
        self.features = nn.Sequential(
            *body, nn.ConvTranspose2d(channels, channels, 4, **double), leaky()
        )
        self.residual = conv(channels, 1, bias=False)
        self.image = nn.ConvTranspose2d(1, 1, 4, **double)
        he_normal(self.features)
        nn.init.normal_(self.residual.weight, 0.0, 0.02)  # small beside the interpolated map
        self.image.weight.data.copy_(bilinear_kernel())

    def forward(
        self, features: Float[Tensor, "b c h w"], image: Float[Tensor, "b 1 h w"]
    ) -> tuple[Float[Tensor, "b c h2 w2"], Float[Tensor, "b 1 h2 w2"]]:
        """Features, and the interpolated map with its residual."""
        features = self.features(features)
        return features, self.image(image) + self.residual(features)


class LapSRN(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used.

    Both branches start from coarse / M^2, vehicles per fine cell.
    """

    def __init__(self, task: Task, settings: LapSRNSettings):
        super().__init__()
        levels, width = doublings(task.factor), settings.channels
        self.first = nn.Sequential(conv(1, width, bias=False), leaky())
        self.levels = nn.ModuleList([Level(width, settings.layers) for _ in range(levels)])
        self.split = settings.split(task.factor)
        he_normal(self.first)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The finest level's map, split."""
        image = coarse / self.split.factor**2
        features = self.first(image)
        for level in self.levels:
            features, image = level(features, image)
        return self.split(image, coarse)


METHOD = network_method("LapSRN", LapSRNSettings, LapSRN)
