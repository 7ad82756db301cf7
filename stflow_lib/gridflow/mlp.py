"""A small MLP on each cell's own window and the hour of the day: ST-net without its maps.

Trained exactly as the networks beside it, so that the difference is what neighbours tell.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.fit import Method, Predictor
from stflow_lib.gridflow.city import CityFlow
from stflow_lib.gridflow.rules import hour_of_day
from stflow_lib.gridflow.task import Task
from stflow_lib.gridflow.transfer import TransferSettings, finetuned

CLOCK = 4  # sine and cosine of the day and of half the day


@dataclass(frozen=True)
class Settings(TransferSettings):
    """Size of the network; `backbone` is not used."""

    width: int = 64  # of both hidden layers
    last_value: bool = True  # predict the change against the last hour


class ClockedFlow(CityFlow):
    """A city whose windows end with the hour of the label, as `CLOCK` constant maps."""

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b lag direction row col"]:
        """The `lags` scaled maps, oldest first, then those of the clock."""
        maps = super().windows(steps)
        angle = torch.from_numpy(hour_of_day(self.time[steps.cpu().numpy()]) * math.tau / 1440)
        clock = torch.stack([f(k * angle) for k in (1, 2) for f in (torch.sin, torch.cos)], 1)
        clock = clock.to(maps)[:, :, None, None, None].expand(-1, -1, *maps.shape[2:])
        return torch.cat([maps, clock], 1)


def clocked(task: Task) -> Task:
    """The same task, whose cities tell the hour."""
    target, *sources = (ClockedFlow(**vars(city)) for city in (task.target, *task.sources))
    return replace(task, target=target, sources=tuple(sources))


class CellMLP(nn.Module):
    """x [B, L + 4, H, W] scaled, cells [R] -> prediction [B, R] scaled, last layer [B, R, width].

    The same two hidden layers for every cell: (L + 5) width + (width + 1)^2 numbers.
    """

    def __init__(self, lags: int, settings: Settings):
        super().__init__()
        self.lags, self.last_value = lags, settings.last_value
        width = settings.width
        self.body = nn.Sequential(
            nn.Linear(lags + CLOCK, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.head = nn.Linear(width, 1)

    def forward(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region width"]]:
        known = x.flatten(2)[..., cells].transpose(1, 2)  # [B, R, L + 4]
        z = self.body(known)
        out = self.head(z)[..., 0]
        return out + known[..., self.lags - 1] if self.last_value else out, z


def fit(task: Task, settings: Settings, seed: int, folder: Path | None) -> Predictor:
    """On the sources, then on the target's days, as `transfer.finetuned` does."""
    build = lambda own: CellMLP(task.target.lags, own)
    learned = finetuned("MLP", Settings, build).fit(clocked(task), settings, seed, folder)
    return replace(learned, predict=lambda t, steps: learned.predict(clocked(t), steps))


METHOD = Method("MLP", Settings, fit)
