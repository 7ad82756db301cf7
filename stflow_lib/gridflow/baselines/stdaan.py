"""ST-DAAN: one representation for both cities, pulled together by their mean discrepancy.

Wang et al., "Spatio-temporal knowledge transfer for urban crowd flow prediction via deep
attentive adaptation networks" (T-ITS 2022), on this wing's backbone: its own layers have a fixed
size and cannot serve two grids.
"""

from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.discrepancy import mean_discrepancy
from stflow_lib.gridflow.training.schedule import (
    Schedule,
    fit_cities,
    forward,
    weighted_squared_error,
)
from stflow_lib.gridflow.training.transfer import (
    ON_TARGET,
    FittedDirection,
    TransferSettings,
    direction_method,
    finetune,
    pretrain_on_sources,
    stnet,
)

LEAST = 1e-12  # squared error at which the root's slope is cut


@dataclass(frozen=True)
class STDAANSettings(TransferSettings):
    """Finetuned with a joint stage between source and target."""

    align: Schedule = field(default_factory=ON_TARGET)  # the joint stage
    strength: float = 0.1  # of the discrepancy, against errors averaged over cells
    error: str = "rmse"  # root-mean-square, as the released code; "mse": not its root
    sampled: int = 128  # cell features of each city in a step

    def __post_init__(self):
        if self.error not in ("rmse", "mse"):
            raise ValueError(f"error {self.error!r}: want rmse or mse")


def joint_loss(
    network: nn.Module,
    task: Task,
    settings: STDAANSettings,
    city: CityFlow,
    steps: Int[Tensor, " b"],
) -> Float[Tensor, ""]:
    """Errors of a target and a source batch plus the discrepancy of features.

    Errors are root-mean-squares over windows and cells, as in the released code. With several
    sources one is drawn for each step.
    """
    source = task.sources[int(torch.randint(len(task.sources), ()))]
    drawn = source.train[torch.randint(len(source.train), (len(steps),)).to(steps.device)]
    loss, features = 0.0, []
    for some, labels in ((city, steps), (source, drawn)):
        guess, truth, z = forward(network, some, labels)
        squared = weighted_squared_error(guess, truth) / guess.shape[1]
        loss = loss + (squared if settings.error == "mse" else (squared + LEAST).sqrt())
        features.append(_sample(z.flatten(0, 1), settings.sampled))
    return loss + settings.strength * mean_discrepancy(*features)


def _sample(rows: Float[Tensor, "n j"], count: int) -> Float[Tensor, "m j"]:
    return rows[torch.randperm(len(rows))[:count].to(rows.device)]


def fit_joint(task: Task, settings: STDAANSettings, seed: int, folder) -> FittedDirection:
    """One direction: source, both together, target; DataError in zero-shot."""
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no training day, ST-DAAN learns from both cities")
    learned = pretrain_on_sources(stnet(settings), task, settings, seed, folder)
    objective = partial(joint_loss, learned.network, task, settings)
    learned.stages["align"] = fit_cities(
        learned.network, [task.target], settings.align, seed=seed, stage="align", folder=folder,
        objective=objective,
    )  # fmt: skip
    return finetune(learned, task, settings, seed, folder)


METHOD = direction_method("ST-DAAN", STDAANSettings, fit_joint)
