"""Errors pooled over a whole test set: sums and counts, divided once."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass
class FlowErrors:
    """RMSE, MAE and MAPE over every cell of every map added (UrbanSTC section 4.2).

    MAPE divides by the true flow, or by 1 where it is zero; a fraction, unmasked.
    """

    count: int = 0
    sums: dict[str, float] = field(
        default_factory=lambda: {"squared": 0.0, "abs": 0.0, "rel": 0.0}
    )

    def add(self, prediction: Float[Tensor, "*any"], truth: Float[Tensor, "*any"]) -> None:
        """Add cells in real units; ValueError for different shapes or a non-finite prediction."""
        if prediction.shape != truth.shape:
            raise ValueError(
                f"prediction {tuple(prediction.shape)}, truth {tuple(truth.shape)}"
            )
        if not torch.isfinite(prediction).all():
            first = (~torch.isfinite(prediction)).nonzero()[0].tolist()
            raise ValueError(f"prediction is not finite at index {first}")
        truth = truth.double()
        error = (prediction.double() - truth).abs()
        self.sums["squared"] += (error**2).sum().item()
        self.sums["abs"] += error.sum().item()
        self.sums["rel"] += (error / torch.where(truth == 0, 1.0, truth)).sum().item()
        self.count += error.numel()

    def result(self) -> dict[str, float]:
        """{"rmse", "mae", "mape"}: flow units, flow units, fraction; ValueError when empty."""
        if not self.count:
            raise ValueError("no cell was added")
        mean = {name: total / self.count for name, total in self.sums.items()}
        return {"rmse": mean["squared"] ** 0.5, "mae": mean["abs"], "mape": mean["rel"]}


def flow_errors(
    prediction: Float[Tensor, "*any"], truth: Float[Tensor, "*any"]
) -> dict[str, float]:
    """`FlowErrors` of two tensors that fit in memory."""
    pool = FlowErrors()
    pool.add(prediction, truth)
    return pool.result()
