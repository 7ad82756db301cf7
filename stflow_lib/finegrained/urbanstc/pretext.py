"""What the three pretexts share: the encoder that they train, and how one is trained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Int
from torch import Tensor, nn

from stflow_lib.finegrained.networks.layers import init_normal
from stflow_lib.finegrained.problem.task import Task
from stflow_lib.training.loop import History, Training, train


class Encoder(nn.Sequential):
    """conv 1 -> C, ReLU, conv C -> C, ReLU: [B, 1, H, W] -> [B, C, H, W]; kernel 1 is pointwise."""

    def __init__(self, channels: int, kernel: int):
        pad = kernel // 2
        super().__init__(
            nn.Conv2d(1, channels, kernel, padding=pad),
            nn.ReLU(True),
            nn.Conv2d(channels, channels, kernel, padding=pad),
            nn.ReLU(True),
        )
        init_normal(self)


@dataclass(frozen=True)
class Pretext:
    """An encoder inside its pretext network, ready to be trained on coarse maps only."""

    stage: str  # "inf", "tcs" or "reg": the name of its checkpoint
    network: nn.Module
    loss: Callable[[Tensor], Tensor]  # sample indices [B] -> scalar
    score: Callable[[], dict[str, float]]  # on the validation part; the first value selects
    training: Training

    def pretrain(self, task: Task, seed: int, folder: Path | None) -> History:
        """Train in place, encoder included; the epoch with the lowest score is kept."""
        return train(
            self.network,
            self.loss,
            task.train,
            self.score,
            self.training,
            seed=seed,
            stage=self.stage,
            folder=folder,
        )


def mean_over(
    samples: Int[Tensor, " sample"], loss: Callable[[Tensor], Tensor], batch: int = 256
) -> float:
    """Mean of a batch loss over samples, each counted once."""
    return sum(loss(b).item() * len(b) for b in samples.split(batch)) / len(samples)
