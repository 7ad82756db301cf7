"""Super-resolution of the coarse map itself (Inf, UrbanSTC section 4.1.2)."""

from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import Split, Upsample, init_normal
from stflow_lib.finegrained.problem.task import Task, coarser, padded
from stflow_lib.finegrained.urbanstc.pretext import Encoder, Pretext, mean_over
from stflow_lib.training.loop import Training, autocast


@dataclass(frozen=True)
class SuperResolutionSettings:
    """Super-resolution of the coarse map itself (Inf, UrbanSTC section 4.1.2)."""

    training: Training = field(
        default_factory=partial(Training, epochs=200, learning_rate=1e-4, halve_every=0)
    )


class InferenceNet(nn.Module):
    """Coarser map [B, 1, H/M, W/M] -> coarse map [B, 1, H, W], vehicles (section 4.1.2)."""

    def __init__(self, encoder: Encoder, channels: int, factor: int, split: Split):
        super().__init__()
        self.encoder = encoder
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(True),
            nn.Dropout(0.5),
            Upsample(channels, factor, norm=True),
            nn.Conv2d(channels, 1, 3, padding=1),
        )
        self.split = split
        init_normal(self.decoder)

    def forward(self, coarser_map: Float[Tensor, "b 1 r c"]) -> Float[Tensor, "b 1 fr fc"]:
        """Encoded, decoded, split by Eq. 15."""
        return self.split(self.decoder(self.encoder(coarser_map)), coarser_map)


def super_resolution_pretext(
    settings: SuperResolutionSettings, encoder: Encoder, channels: int, task: Task, split: Split
) -> Pretext:
    """Spatial super-resolution: the encoder refining coarser maps by squared error (Eq. 5).

    The criterion is the validation error. Coarse maps whose sides do not divide by M are padded.
    """
    network = InferenceNet(encoder, channels, task.factor, split)
    network = network.to(task.device, memory_format=torch.channels_last)
    small, large = coarser(task), padded(task)

    def loss(batch: Tensor) -> Tensor:
        with autocast(settings.training.precision, task.device):
            return F.mse_loss(network(small[batch]), large[batch])

    def score() -> dict[str, float]:
        return {"valid_rmse": mean_over(task.valid, loss) ** 0.5}

    return Pretext("inf", network, loss, score, settings.training)
