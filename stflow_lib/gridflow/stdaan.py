"""ST-DAAN: one representation for both cities, pulled together by their mean discrepancy.

Wang et al., "Spatio-temporal knowledge transfer for urban crowd flow prediction via deep
attentive adaptation networks" (T-ITS 2022), on this wing's backbone: its own layers have a fixed
size and cannot serve two grids.
"""

from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.data.schema import DataError
from stflow_lib.gridflow.city import CityFlow
from stflow_lib.gridflow.task import Task
from stflow_lib.gridflow.training import Schedule, fit_cities, forward, windows_error
from stflow_lib.gridflow.transfer import (
    ON_TARGET,
    Fitted,
    TransferSettings,
    direction_method,
    pretrained,
    stnet,
    tuned,
)

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels, times the mean squared distance


@dataclass(frozen=True)
class STDAANSettings(TransferSettings):
    """Finetuned with a joint stage between source and target."""

    align: Schedule = field(default_factory=ON_TARGET)  # the joint stage
    strength: float = 0.1  # of the discrepancy, against errors averaged over cells
    sampled: int = 128  # cell features of each city in a step


def mean_discrepancy(one: Float[Tensor, "n j"], two: Float[Tensor, "m j"]) -> Float[Tensor, ""]:
    """Squared maximum mean discrepancy, five Gaussian kernels around the mean distance; >= 0."""
    both = torch.cat([one, two])
    distance = (both[:, None] - both[None, :]).square().sum(2)
    scale = (distance.sum() / max(len(both) * (len(both) - 1), 1)).detach().clamp_min(1e-12)
    kernel = sum((-distance / (scale * width)).exp() for width in WIDTHS)
    n = len(one)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()


def joint_loss(
    network: nn.Module, task: Task, settings: STDAANSettings, city: CityFlow, steps: Tensor
) -> Float[Tensor, ""]:
    """Mean squared errors of a target and a source batch plus the discrepancy of features.

    Errors are means over cells, as in the released code, not sums. With several sources one is
    drawn for each step.
    """
    source = task.sources[int(torch.randint(len(task.sources), ()))]
    drawn = source.train[torch.randint(len(source.train), (len(steps),)).to(steps.device)]
    loss, features = 0.0, []
    for some, labels in ((city, steps), (source, drawn)):
        guess, truth, z = forward(network, some, labels)
        loss = loss + windows_error(guess, truth) / guess.shape[1]
        features.append(_sample(z.flatten(0, 1), settings.sampled))
    return loss + settings.strength * mean_discrepancy(*features)


def _sample(rows: Float[Tensor, "n j"], count: int) -> Float[Tensor, "m j"]:
    return rows[torch.randperm(len(rows))[:count].to(rows.device)]


def fit_joint(task: Task, settings: STDAANSettings, seed: int, folder) -> Fitted:
    """One direction: source, both together, target; DataError in zero-shot."""
    if not len(task.target.train):
        raise DataError(f"{task.target.name}: no training day, ST-DAAN learns from both cities")
    learned = pretrained(stnet(settings), task, settings, seed, folder)
    objective = partial(joint_loss, learned.network, task, settings)
    learned.stages["align"] = fit_cities(
        learned.network, [task.target], settings.align, seed=seed, stage="align", folder=folder,
        objective=objective,
    )  # fmt: skip
    return tuned(learned, task, settings, seed, folder)


METHOD = direction_method("ST-DAAN", STDAANSettings, fit_joint)
