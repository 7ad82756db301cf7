"""VDSR: a deep plain row of convolutions (Kim et al., CVPR 2016), here in coarse space."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import Upsample
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method


@dataclass(frozen=True)
class VDSRSettings(NetworkSettings):
    """VDSR as the count in UrbanSTC's Table 10 has it."""

    layers: int = 18  # conv3x3 C -> C between the first layer and the enlargement


def he_normal(model: nn.Module) -> None:
    """Conv weights N(0, sqrt(2 / (k^2 out))); BatchNorm and biases as PyTorch has them."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class VDSR(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used.

    conv3x3 1 -> C, ReLU, `layers` x [conv3x3 C -> C, ReLU], one step up with BatchNorm,
    conv3x3 C -> 1. The original interpolates first and adds the interpolated map to
    its output; a network of the printed size works in coarse space and has no such sum.
    """

    def __init__(self, task: Task, settings: VDSRSettings):
        super().__init__()
        width, layers = settings.channels, []
        for inputs in [1] + [width] * settings.layers:
            layers.append(nn.Conv2d(inputs, width, 3, padding=1, bias=False))
            layers.append(nn.ReLU(inplace=True))
        self.body = nn.Sequential(*layers)
        self.up = Upsample(width, task.factor, norm=True, single=True)
        self.last = nn.Conv2d(width, 1, 3, padding=1, bias=False)
        self.split = settings.split(task.factor)
        he_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Deep features, enlarged in one step and split."""
        return self.split(self.last(self.up(self.body(coarse))), coarse)


METHOD = network_method("VDSR", VDSRSettings, VDSR)
