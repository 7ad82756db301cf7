"""SRCNN: bicubic enlargement, then three convolutions (Dong et al., TPAMI 2016)."""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method


@dataclass(frozen=True)
class SRCNNSettings(NetworkSettings):
    """SRCNN in its published form."""

    # Coarse flows are divided by it. 1 is the tables' value; counts in the hundreds then make
    # scores so large that a whole network may start, and stay, below the last layer's zero.
    input_scale: float = 1.0


def bicubic(counts: Float[Tensor, "b 1 r c"], factor: int) -> Float[Tensor, "b 1 fr fc"]:
    """The smooth mean split: [B, 1, H, W] -> [B, 1, HM, WM], vehicles per fine cell.

    Divided by M^2, so that a map keeps its mean count per area. Overshoots below 0 stay.
    """
    return F.interpolate(counts / factor**2, scale_factor=factor, mode="bicubic")


class Stage(nn.Module):
    """Bicubic M x, conv9x9 1 -> C, ReLU, conv5x5 C -> C/2, ReLU, conv5x5 C/2 -> 1."""

    def __init__(self, channels: int, factor: int):
        super().__init__()
        self.factor = factor
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels // 2, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // 2, 1, 5, padding=2),
        )

    def forward(self, counts: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b 1 fr fc"]:
        """Counts on a grid -> counts on a finer one, not yet split."""
        return self.layers(bicubic(counts, self.factor))


class SRCNN(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used."""

    def __init__(self, task: Task, settings: SRCNNSettings):
        super().__init__()
        steps = self.steps(task.factor)
        self.stages = nn.Sequential(*[Stage(settings.channels, step) for step in steps])
        self.scale = settings.input_scale
        self.split = settings.split(task.factor)
        init_normal(self)

    @staticmethod
    def steps(factor: int) -> list[int]:
        """The enlargement of each stage: here one, of any M."""
        return [factor]

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """The last stage's scores, split."""
        return self.split(self.stages(coarse / self.scale), coarse)


METHOD = network_method("SRCNN", SRCNNSettings, SRCNN)
