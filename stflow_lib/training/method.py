"""The contract of a table's row: a method is fitted to a task and returns a predictor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.training.loop import History
from stflow_lib.training.provenance.stamp import claim


@dataclass
class Predictor:
    """What a method returns: call it with a task and sample indices, get real units."""

    predict: Callable[[Any, Tensor], Tensor]
    parameters: int = 0
    epochs: int = 0
    seconds_per_epoch: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)  # how each of them ended
    learned: Any = (
        None  # networks, tensors and plain values for `Method.restore`; None: unsaved
    )
    made: "Made | None" = None  # `Method.fit` says where it comes from

    @property
    def converged(self) -> bool:
        """Whether every stage was trained until its learning ended; so is what learns nothing."""
        return all(stage["stopped"] == "settled" for stage in self.stages.values())

    def __call__(self, task: Any, indices: Tensor) -> Tensor:
        """Predictions at sample indices [B], in the task's unit."""
        return self.predict(task, indices)

    @classmethod
    def after(
        cls,
        predict: Callable[[Any, Tensor], Tensor],
        parameters: int,
        stages: Mapping[str, History],
        notes: dict[str, Any] | None = None,
        learned: Any = None,
    ) -> "Predictor":
        """The predictor that training left behind, stage by stage.

        Curves are named "STAGE_CURVE"; those of a stage named "" keep their own name.
        """
        epochs = sum(history.epochs for history in stages.values())
        seconds = sum(history.seconds for history in stages.values())
        curves = {
            f"{stage}_{name}".removeprefix("_"): list(curve)
            for stage, history in stages.items()
            for name, curve in history.curves.items()
        }
        ends = {stage or "fit": history.end for stage, history in stages.items()}
        each = seconds / max(epochs, 1)
        return cls(predict, parameters, epochs, each, curves, notes or {}, ends, learned)


# (form of the task, settings, what was learned) -> the predictor
Restore = Callable[[dict[str, Any], Any, Any], Predictor]


@dataclass(frozen=True)
class Method:
    """A row of a table: how it is trained, and with which settings."""

    name: str
    settings: Callable[[], Any]  # a settings class, or one with some defaults changed
    train: Callable[[Any, Any, int, Path | None], Predictor]  # as `fit`, in an unstamped folder
    restore: Restore | None = None  # None: predictors cannot be saved, see `saved`
    anywhere: bool = False  # what was learned serves other grids, sensors and units, too

    def fit(self, task: Any, settings: Any, seed: int, folder: Path | None = None) -> Predictor:
        """The predictor after training on `task`; progress and weights are kept in `folder`.

        The folder belongs to one fit: ValueError where it was made with other data, settings,
        seed or code, naming what differs.
        """
        if folder is not None:
            claim(folder, self, task, settings, seed)
        fitted = self.train(task, settings, seed, folder)
        fitted.made = Made(self, settings, getattr(task, "form", {}))
        return fitted


@dataclass(frozen=True)
class Made:
    """Where a predictor comes from: its method, its settings, and the form of its task."""

    method: Method
    settings: Any
    form: dict[str, Any]  # what a task must be like that it is asked about, see `saved`


@dataclass(frozen=True)
class NoSettings:
    """Of a rule that has nothing to set."""


def count_parameters(model: nn.Module) -> int:
    """Trainable scalars of a network."""
    return sum(p.numel() for p in model.parameters())


def filled(network: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """The network with these weights, on their device, ready to predict.

    RuntimeError, naming them, where they are not those of the network.
    """
    network.load_state_dict(weights)
    device = next(iter(weights.values()), torch.empty(0)).device
    return network.to(device).eval()


def require_sources(task: Any) -> Any:
    """The task's source cities; DataError when there is none to learn from."""
    if not task.sources:
        raise DataError(f"{task.target.name}: no source city to learn from")
    return task.sources
