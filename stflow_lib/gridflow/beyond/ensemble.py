"""Three forecasts that err in different ways in one: a line in context, trees, an MLP.

Each part is fitted as the method of its name is, to the same task. Where days of the target are
seen its validation labels weigh the parts (Bates and Granger 1969, The combination of forecasts);
where none is, nothing tells which of the three to trust, and their median leaves out whichever
lies apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.baselines import mlp
from stflow_lib.gridflow.beyond import boosted_line, trees
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.training.method import Method, Predictor
from stflow_lib.training.mixture import shares_of

PARTS = {"line": boosted_line.METHOD, "pooled": trees.POOLED, "network": mlp.METHOD}
BATCH = 64


@dataclass(frozen=True)
class Settings:
    """Those of the parts."""

    line: boosted_line.Settings = field(default_factory=boosted_line.Settings)
    pooled: trees.PooledSettings = field(default_factory=trees.PooledSettings)
    network: mlp.MLPSettings = field(default_factory=mlp.MLPSettings)


@dataclass(frozen=True)
class Combined:
    """The mean of the parts' forecasts with these shares; without any, their median."""

    parts: Sequence[Predictor]
    shares: Sequence[float]

    def __call__(
        self, task: Task, steps: Int[Tensor, " b"]
    ) -> Float[Tensor, "b direction row col"]:
        """Trips per step."""
        found = torch.stack([part(task, steps) for part in self.parts])
        if not self.shares:
            return found.median(0).values
        return torch.einsum("p,pbdhw->bdhw", found.new_tensor(self.shares), found)


def fit(task: Task, settings: Settings, seed: int, folder: Path | None) -> Predictor:
    """Line and trees are the same with every seed, the MLP is not. DataError without a source."""
    found = {
        name: method.train(
            task, getattr(settings, name), seed, folder / name if folder else None
        )
        for name, method in PARTS.items()
    }
    shares = shares_in(task, list(found.values())) if len(task.target.train) else []
    notes = {name: part.notes for name, part in found.items() if part.notes} | {
        "shares": shares
    }
    return replace(
        found["network"], notes=notes, **_joined(found, shares)
    )  # it alone has epochs


def shares_in(task: Task, parts: Sequence[Predictor]) -> list[float]:
    """Shares of fitted parts by their errors in trips, at all validation labels of valid cells."""
    return shares_of(torch.stack([_errors(task, part) for part in parts]))


def _errors(task: Task, part: Predictor) -> Float[Tensor, " n"]:
    city = task.target
    off = [part(task, some) - city.flow[some] for some in city.valid.split(BATCH)]
    return torch.cat(off)[:, city.mask].flatten()


def restored(form: dict, settings: Settings, learned: dict[str, Any]) -> Predictor:
    """The predictor of three parts with what they had learned, and their shares."""
    found = {
        name: method.restore(form, getattr(settings, name), learned["parts"][name])
        for name, method in PARTS.items()
    }
    return Predictor(**_joined(found, learned["shares"]))


def _joined(found: dict[str, Predictor], shares: Sequence[float]) -> dict[str, Any]:
    parts = {name: part.learned for name, part in found.items()}
    return {
        "predict": Combined(tuple(found.values()), shares),
        "parameters": sum(part.parameters for part in found.values()),
        "learned": {"shares": shares, "parts": parts},
    }


METHOD = Method("Ensemble", Settings, fit, restored)
