"""ESPCN: convolutions on the coarse map, enlarged last by PixelShuffle (Shi et al., CVPR 2016)."""

from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import NetworkSettings, network_method


class ESPCN(nn.Module):
    """coarse [B, 1, H, W] -> fine [B, 1, HM, WM], vehicles; external factors are not used.

    conv5x5 1 -> C, ReLU, conv3x3 C -> C/2, ReLU, conv3x3 C/2 -> M^2, PixelShuffle M.
    """

    def __init__(self, task: Task, settings: NetworkSettings):
        super().__init__()
        width, factor = settings.channels, task.factor
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width // 2, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, factor**2, 3, padding=1),
            nn.PixelShuffle(factor),
        )
        self.split = settings.split(factor)
        init_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Scores from the coarse map, shuffled into place and split."""
        return self.split(self.layers(coarse), coarse)


METHOD = network_method("ESPCN", NetworkSettings, ESPCN)
