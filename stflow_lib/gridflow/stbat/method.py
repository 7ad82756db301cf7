"""STBaT: pre-training in which rare kinds of regions count as much as common ones.

Two modules in turn on every batch of source windows (section 4.3): STBLM (backbone, head,
projector) lowers a weighted prediction loss and the contrast of regions, RIAM learns region
patterns and says how rare each is. Then plain fine-tuning on the target (section 5.1).
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from stflow_lib.data.errors import DataError
from stflow_lib.gridflow.problem.city import CityFlow
from stflow_lib.gridflow.problem.regions import poi_shares
from stflow_lib.gridflow.problem.task import Task
from stflow_lib.gridflow.stbat.riam import RIAM, RIAMSettings
from stflow_lib.gridflow.stbat.stblm import (
    Projector,
    STBLMSettings,
    batch_statistics,
    rank_correlation,
    uninformative_contrast,
)
from stflow_lib.gridflow.training.schedule import forward, weighted_squared_error
from stflow_lib.gridflow.training.transfer import (
    FittedDirection,
    TransferSettings,
    direction_method,
    finetune,
    pretrain_on_sources,
    stnet,
)
from stflow_lib.kernels import rank_contrast
from stflow_lib.training.method import require_sources


@dataclass(frozen=True)
class STBaTSettings(TransferSettings):
    """Finetuned plus RIAM and STBLM."""

    patterns: RIAMSettings = field(default_factory=RIAMSettings)
    balance: STBLMSettings = field(default_factory=STBLMSettings)


class BalancedPretraining(nn.Module):
    """The backbone with all that only pre-training needs: STBLM and RIAM.

    Called as the backbone is: x [B, L, H, W], cells [R] -> prediction [B, R], z [B, R, J].
    """

    def __init__(self, network: nn.Module, categories: int, settings: STBaTSettings):
        super().__init__()
        features = settings.backbone.width
        self.settings = settings.balance
        self.stblm = nn.ModuleList([network, Projector(features, settings.balance.width)])
        self.riam = RIAM(categories, features, settings.patterns)

    def forward(
        self, x: Float[Tensor, "b lag row col"], cells: Int[Tensor, " region"]
    ) -> tuple[Float[Tensor, "b region"], Float[Tensor, "b region width"]]:
        """The backbone's answer."""
        return self.stblm[0](x, cells)

    def losses(
        self, city: CityFlow, steps: Int[Tensor, " b"], shares: Float[Tensor, "region category"]
    ) -> dict[str, Float[Tensor, ""]]:
        """Both steps of bidirectional complementary iterative learning, on one batch.

        Losses "stblm" and "riam" share no gradient: omega and delta reach STBLM, mean and
        deviation reach RIAM, all four detached.
        """
        omega, delta, _ = self.riam.balance(shares)
        guess, truth, z = forward(self, city, steps)
        mean, deviation = batch_statistics(z)
        loss = weighted_squared_error(guess, truth, omega if self.settings.use_weights else 1.0)
        if self.settings.use_contrast:
            d = self.stblm[1](mean, deviation)
            loss = loss + self.settings.strength * self.contrast(d, delta)
        return {"stblm": loss, "riam": self.riam.loss(shares, mean, deviation)["loss"]}

    def contrast(
        self, d: Float[Tensor, "region width"], delta: Float[Tensor, "region region"]
    ) -> Float[Tensor, ""]:
        """SimDCL (Eq. 13)."""
        return rank_contrast(d, delta, self.settings.temperature)

    @torch.no_grad()
    def report(
        self, city: CityFlow, steps: Int[Tensor, " b"], shares: Float[Tensor, "region category"]
    ) -> dict[str, float]:
        """What tells whether balancing does anything, on one fixed batch.

        Spread of the weights and effective neighbours (see `RIAM.balance`), contrast
        minus that of representations all alike, rank correlation of representations with
        patterns, cross-entropy of POI above its floor, divergence of the predicted statistics.
        """
        _, delta, log = self.riam.balance(shares)
        mean, deviation = batch_statistics(forward(self, city, steps)[2])
        d = self.stblm[1](mean, deviation)
        parts = self.riam.loss(shares, mean, deviation)
        return log | {
            "contrast_gain": self.contrast(d, delta).item() - uninformative_contrast(delta),
            "rank_correlation": rank_correlation(d, delta),
            "poi": parts["poi"].item(),
            "divergence": parts["divergence"].item(),
        }


def fit_balanced(task: Task, settings: STBaTSettings, seed: int, folder) -> FittedDirection:
    """One direction: balanced pre-training on the sources, plain fine-tuning on the target."""
    shares = source_shares(task)
    categories = next(iter(shares.values())).shape[1]
    model = BalancedPretraining(stnet(settings), categories, settings)
    learned = pretrain_on_sources(
        model, task, settings, seed, folder,
        objective=lambda city, steps: sum(model.losses(city, steps, shares[city.name]).values()),
        groups=[model.stblm, model.riam],
        log=lambda: _mean_report(model, task, shares, settings.source.batch),
    )  # fmt: skip
    learned.network = model.stblm[0]
    return finetune(learned, task, settings, seed, folder)


def source_shares(task: Task) -> dict[str, Float[Tensor, "_region category"]]:
    """POI shares of the sources' valid cells by city; DataError unless all have as many groups."""
    cities = require_sources(task)
    for city in cities:
        if city.poi is None or len(city.poi) != len(cities[0].poi):
            raise DataError(f"{city.name}: every source needs POI of the same groups")
    return {city.name: poi_shares(city.poi, city.mask[0]) for city in cities}


def _mean_report(
    model: BalancedPretraining,
    task: Task,
    shares: dict[str, Float[Tensor, "_region category"]],
    batch: int,
) -> dict[str, float]:
    """Mean over sources, each on its last training windows."""
    logs = [model.report(c, c.train[-batch:], shares[c.name]) for c in task.sources]
    return {name: sum(log[name] for log in logs) / len(logs) for name in logs[0]}


METHOD = direction_method("STBaT", STBaTSettings, fit_balanced)
