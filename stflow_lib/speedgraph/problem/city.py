"""One speed city of a transfer task as resident tensors."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from stflow_lib.data.errors import DataError


@dataclass(frozen=True)
class CitySpeed:
    """Speeds of one city on one device; steps of one grid, from a midnight on.

    speed [T, N] in the city's own unit, 0 where missing; seen [T, N]: what was measured;
    scaled [T, N]: (speed - mean) / deviation, gaps filled, what networks read; clock [T]: the
    fraction of the day; weights [N, N]: adjacency as the city gives it, zeros where it gives
    none (`has_graph`).
    known: first label steps of all windows inside the steps that may be seen; train, valid:
    those to learn from and to choose by, which share no label.

    What networks are asked and told, alike in all cities of a task: change: the change since
    the last input step is asked for; weekend [T]: 1 on Saturdays and Sundays, 0 on other days,
    None where it is not told; squares: in how many batches of a city squared errors are lowered,
    before absolute ones are.
    """

    name: str
    unit: str
    speed: Float[Tensor, "time node"]
    seen: Bool[Tensor, "time node"]
    scaled: Float[Tensor, "time node"]
    clock: Float[Tensor, " time"]
    mean: float
    deviation: float
    weights: Float[Tensor, "node node"]
    known: Int[Tensor, " known"]
    train: Int[Tensor, " train"]
    valid: Int[Tensor, " valid"]
    time: np.ndarray
    lags: int
    ahead: int
    has_graph: bool = field(default=True, kw_only=True)
    change: bool = field(default=False, kw_only=True)
    weekend: Float[Tensor, " time"] | None = field(default=None, kw_only=True)
    squares: int = field(default=0, kw_only=True)

    @property
    def features(self) -> int:
        """How many numbers networks are told of each step of a window."""
        return 1 + len(self.time_features())

    def windows(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node lag feature"]:
        """Scaled speed and `time_features` of the `lags` steps before each first label step."""
        rows = steps[:, None] + torch.arange(-self.lags, 0, device=steps.device)
        speed = self.scaled[rows].transpose(1, 2)
        told = [part[rows][:, None].expand_as(speed) for part in self.time_features()]
        return torch.stack([speed, *told], 3)

    def time_features(self) -> list[Float[Tensor, " time"]]:
        """What networks are told of the time of each step: the fraction of the day, weekends."""
        return [self.clock] if self.weekend is None else [self.clock, self.weekend]

    def labels(
        self, steps: Int[Tensor, " b"]
    ) -> tuple[Float[Tensor, "b node ahead"], Bool[Tensor, "b node ahead"]]:
        """Speeds in the city's unit, and which of them were measured."""
        rows = steps[:, None] + torch.arange(self.ahead, device=steps.device)
        return self.speed[rows].transpose(1, 2), self.seen[rows].transpose(1, 2)

    def scaled_labels(
        self, steps: Int[Tensor, " b"]
    ) -> tuple[Float[Tensor, "b node ahead"], Bool[Tensor, "b node ahead"]]:
        """The same as networks predict them: scaled, or what is added to the last input."""
        speed, seen = self.labels(steps)
        return (speed - self.mean) / self.deviation - self.forecast_offset(steps), seen

    def to_forecast(
        self, answers: Float[Tensor, "b node ahead"], steps: Int[Tensor, " b"]
    ) -> Float[Tensor, "b node ahead"]:
        """A network's answers in the city's unit."""
        return self.unscale(answers + self.forecast_offset(steps))

    def forecast_offset(self, steps: Int[Tensor, " b"]) -> Float[Tensor, "b node 1"] | float:
        """What a network's answer is added to: 0, or the last scaled input [B, N, 1]."""
        return self.scaled[steps - 1][..., None] if self.change else 0.0

    def unscale(self, scaled: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Scaled values in the city's unit."""
        return scaled * self.deviation + self.mean

    def sensors(self, nodes: Int[Tensor, " some"]) -> "CitySpeed":
        """The same city with some of its sensors."""
        return replace(
            self, speed=self.speed[:, nodes], seen=self.seen[:, nodes],
            scaled=self.scaled[:, nodes], weights=self.weights[nodes][:, nodes],
        )  # fmt: skip


def mean_and_std(
    speed: Float[Tensor, "time node"], seen: Bool[Tensor, "time node"], where: str
) -> tuple[float, float]:
    """(mean, deviation) over measured readings; DataError naming `where` without any change."""
    values = speed[seen].double()
    deviation = values.std(correction=0).item() if len(values) else 0.0
    if not deviation > 0:
        raise DataError(f"{where}: {len(values)} readings, none differs: nothing to scale by")
    return values.mean().item(), deviation


def forward_fill(
    scaled: Float[Tensor, "time node"], seen: Bool[Tensor, "time node"]
) -> Float[Tensor, "time node"]:
    """Gaps filled by the sensor's last reading, by the city's mean (0) before its first.

    Nothing from after a gap reaches into it.
    """
    steps = torch.arange(len(seen), device=seen.device)[:, None].expand_as(seen)
    last = torch.where(seen, steps, -1).cummax(0).values
    filled = scaled.gather(0, last.clamp_min(0))
    return torch.where(last >= 0, filled, 0.0)
