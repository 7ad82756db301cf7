"""UrbanFM: residual network with distributional upsampling (Liang et al., KDD 2019)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import (
    ExternalFactors,
    Upsample,
    init_normal,
    normed_residual,
)
from stflow_lib.finegrained.networks.scales import flow_scales
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.finegrained.training.supervised import (
    NetworkSettings,
    network_method,
    squared_error,
)

PUBLISHED = (
    1500.0,
    100.0,
)  # of coarse and of fine flows in Beijing, as UrbanFM's release has them


@dataclass(frozen=True)
class UrbanFMSettings(NetworkSettings):
    """UrbanFM as the tables of UrbanSTC ran it."""

    blocks: int = 16  # residual blocks
    external: bool = False  # concatenate weather and calendar to the coarse map
    scales: str = "training"  # divisors: deviations in training, or "published" for Beijing


class UrbanFM(nn.Module):
    """coarse [B, 1, H, W], external [B, E] -> fine [B, 1, HM, WM], vehicles.

    Coarse flows are divided by the first of `scales` at the input, fine ones by the second in the
    loss.
    """

    scales: Float[Tensor, "2"]

    def __init__(self, task: Task, settings: UrbanFMSettings):
        super().__init__()
        width, extra = settings.channels, int(settings.external)
        rows, cols = task.coarse.shape[2:]
        scales = flow_scales(settings.scales, task, (1, task.factor), PUBLISHED)
        self.register_buffer("scales", scales)
        self.external = ExternalFactors(task.external_names, rows, cols) if extra else None
        self.external_up = Upsample(1, task.factor, norm=True) if extra else None
        self.first = nn.Sequential(nn.Conv2d(1 + extra, width, 9, padding=4), nn.ReLU(True))
        self.blocks = nn.Sequential(*[normed_residual(width) for _ in range(settings.blocks)])
        self.after = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        self.up = Upsample(width, task.factor, norm=True)
        self.last = nn.Conv2d(width + extra, 1, 9, padding=4)
        self.split = settings.split(task.factor)
        init_normal(self)

    def forward(
        self, coarse: Float[Tensor, "b 1 r c"], external: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b 1 fr fc"]:
        """Residual features, enlarged, beside the enlarged factors, split."""
        known = coarse / self.scales[0]
        weather = self.external(external) if self.external else None
        first = self.first(known if weather is None else torch.cat([known, weather], 1))
        fine = self.up(first + self.after(self.blocks(first)))
        if weather is not None:
            fine = torch.cat([fine, self.external_up(weather)], 1)
        return self.split(self.last(fine), coarse)


def scaled_error(network: UrbanFM, task: Task, batch: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """Squared error of flows divided by the fine scale."""
    return squared_error(network, task, batch) / network.scales[1] ** 2


METHOD = network_method("UrbanFM", UrbanFMSettings, UrbanFM, scaled_error)
