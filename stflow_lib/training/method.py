"""The contract of a table's row: a method is fitted to a task and returns a predictor."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn


@dataclass
class Predictor:
    """What a method returns: call it with a task and sample indices, get real units."""

    predict: Callable[[Any, Tensor], Tensor]
    parameters: int = 0
    epochs: int = 0
    seconds_per_epoch: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def __call__(self, task: Any, indices: Tensor) -> Tensor:
        return self.predict(task, indices)


@dataclass(frozen=True)
class Method:
    """A row of a table: `fit(task, settings, seed, folder) -> Predictor`."""

    name: str
    settings: Callable[[], Any]  # a settings class, or one with some defaults changed
    fit: Callable[[Any, Any, int, Path | None], Predictor]


def count_parameters(model: nn.Module) -> int:
    """Trainable scalars of a network."""
    return sum(p.numel() for p in model.parameters())


@dataclass(frozen=True)
class NoSettings:
    """Of a rule that has nothing to set."""
