"""MAML: weights from which a few gradient steps lead far (Finn et al., ICML 2017).

One source city gives one task only, so a task here is a span of days of a source: support from
the span, query from the day after it. The outer step differentiates through the inner ones.
"""

from dataclasses import dataclass, field
from functools import partial

from jaxtyping import Float, Int
from torch import Tensor

from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.training.meta import (
    Meta,
    adapted_rmse,
    city_loss,
    meta_loss,
    with_weights,
)
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    TransferSettings,
    direction_method,
    finetune,
    pretrain_on_sources,
    stnet,
)


@dataclass(frozen=True)
class MAMLSettings(TransferSettings):
    """Finetuned with meta-training in the place of plain training on the sources."""

    meta: Meta = field(default_factory=Meta)


def fit_meta(task: Task, settings: MAMLSettings, seed: int, folder) -> FittedDirection:
    """One direction: meta-training on the sources, fine-tuning on the target.

    Source validation is scored after the inner steps; an epoch counts outer steps of one city
    each.
    """
    network, meta = stnet(settings).to(task.device), settings.meta
    weights = dict(network.named_parameters())

    def objective(city: CityFlow, steps: Int[Tensor, " b"]) -> Float[Tensor, ""]:
        loss = city_loss(network, city)
        return meta_loss(loss, weights, city, task.day, meta, settings.source.batch)

    def error(city: CityFlow) -> float:
        loss, own = city_loss(network, city), partial(with_weights, network)
        return adapted_rmse(loss, weights, own, city, task.day, meta, settings.source)

    learned = pretrain_on_sources(
        network, task, settings, seed, folder,
        objective=objective, error=error if meta.validate_adapted else None,
    )  # fmt: skip
    return finetune(learned, task, settings, seed, folder)


METHOD = direction_method("MAML", MAMLSettings, fit_meta)
