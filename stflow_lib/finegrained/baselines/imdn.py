"""IMDN: information is split off layer by layer, then gathered (Hui et al., ACM MM 2019)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import conv, init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method

Features = Float[Tensor, "b c h w"]


@dataclass(frozen=True)
class IMDNSettings(NetworkSettings):
    """IMDN as the count in UrbanSTC's Table 10 has it; C in quarters."""

    modules: int = 6  # distillation modules, each seen by the last layers

    def __post_init__(self):
        if self.channels < 4 or self.channels % 4:
            raise ValueError(f"IMDN: channels {self.channels}, want a multiple of 4")
        if self.modules < 1:
            raise ValueError(f"IMDN: modules {self.modules}, want at least 1")


def leaky() -> nn.LeakyReLU:
    """LeakyReLU 0.05, gentler than the other networks' 0.2."""
    return nn.LeakyReLU(0.05, inplace=True)


class ContrastAttention(nn.Module):
    """Each channel times a weight in (0, 1), from its mean plus its deviation over the map.

    conv1x1 C -> 8, ReLU, conv1x1 8 -> C, sigmoid. Eight at any C: with C/16 of them the one
    unit of a network of 16 channels starts dead in every other module.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weigh = nn.Sequential(
            conv(channels, 8, 1), nn.ReLU(), conv(8, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Features) -> Features:
        """[B, C, H, W] -> the same, every channel weighed."""
        deviation, mean = torch.std_mean(x, (2, 3), correction=0, keepdim=True)
        return x * self.weigh(deviation + mean)


class Distillation(nn.Module):
    """[B, C, H, W] -> the same: three times a quarter is set aside, the rest goes on.

    c1..c3: conv3x3 -> C, LeakyReLU 0.05, C/4 aside; c4: conv3x3 3C/4 -> C/4; the four quarters,
    contrast attention, conv1x1, + input.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.aside, self.rest = channels // 4, channels - channels // 4
        self.steps = nn.ModuleList(
            nn.Sequential(conv(inputs, channels), leaky())
            for inputs in (channels, self.rest, self.rest)
        )
        self.final = conv(self.rest, self.aside)
        self.gather = nn.Sequential(ContrastAttention(channels), conv(channels, channels, 1))

    def forward(self, x: Features) -> Features:
        """[B, C, H, W] -> the same, refined."""
        kept, rest = [], x
        for step in self.steps:
            aside, rest = step(rest).split((self.aside, self.rest), 1)
            kept.append(aside)
        return x + self.gather(torch.cat([*kept, self.final(rest)], 1))


class IMDN(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used."""

    def __init__(self, task: Task, settings: IMDNSettings):
        super().__init__()
        width, count, factor = settings.channels, settings.modules, task.factor
        self.first = conv(1, width)
        self.chain = nn.ModuleList(Distillation(width) for _ in range(count))
        self.merge = nn.Sequential(conv(count * width, width, 1), leaky(), conv(width, width))
        self.last = nn.Sequential(conv(width, factor**2), nn.PixelShuffle(factor))
        self.split = settings.split(factor)
        init_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The outputs of all modules, gathered, added to the first features and split."""
        x = first = self.first(coarse)
        outputs = []
        for module in self.chain:
            x = module(x)
            outputs.append(x)
        merged = first + self.merge(torch.cat(outputs, 1))
        return self.split(self.last(merged), coarse)


METHOD = network_method("IMDN", IMDNSettings, IMDN)
