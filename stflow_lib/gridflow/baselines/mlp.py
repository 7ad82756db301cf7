"""A small MLP on each cell's own window and the hour of the day: ST-net without its maps.

Trained exactly as the networks beside it, so that the difference is what neighbours tell.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.gridflow.problem.hour_inputs import HOUR_CHANNELS
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.transfer import TransferSettings, finetuned, restored
from stflow_lib.training.method import Method, Predictor


@dataclass(frozen=True)
class MLPSettings(TransferSettings):
    """Size of the network; `backbone` is not used."""

    clock: bool = field(default=True, kw_only=True)
    width: int = 64  # of both hidden layers
    last_value: bool = True  # predict the change against the last hour
    unit: float = 0.05  # of its own numbers, as `Backbone.unit`


class CellMLP(nn.Module):
    """x [B, L + 4, H, W] scaled, cells [R] -> prediction [B, R] scaled, last layer [B, R, width].

    The same two hidden layers for every cell: (L + 5) width + (width + 1)^2 numbers; without
    the clock x has L maps, and there are 4 width fewer.
    """

    def __init__(self, lags: int, settings: MLPSettings):
        super().__init__()
        self.lags, self.last_value = lags, settings.last_value
        self.unit, width = settings.unit, settings.width
        self.body = nn.Sequential(
            nn.Linear(lags + HOUR_CHANNELS * settings.clock, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
        )
        self.head = nn.Linear(width, 1)

    def forward(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region width"]]:
        """Predictions and last hidden layer of the chosen cells."""
        known = x.flatten(2)[..., cells].transpose(1, 2)  # [B, R, L + 4]
        past, clock = known.tensor_split([self.lags], 2)
        z = self.body(torch.cat([past / self.unit, clock], 2))
        out = self.head(z)[..., 0] * self.unit
        return out + past[..., -1] if self.last_value else out, z


def fit(task: Task, settings: MLPSettings, seed: int, folder: Path | None) -> Predictor:
    """On the sources, then on the target's days, as `transfer.finetuned` does."""
    build = lambda own: CellMLP(task.target.lags, own)
    return finetuned("MLP", MLPSettings, build).train(task, settings, seed, folder)


def again(form: dict, settings: MLPSettings, learned: list) -> Predictor:
    """The predictor with the weights that it had learned."""
    return restored(lambda own: CellMLP(form["lags"], own), form, settings, learned)


METHOD = Method("MLP", MLPSettings, fit, again, anywhere=True)
