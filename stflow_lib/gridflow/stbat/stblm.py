"""STBLM: regions alike in what they are for should behave alike (STBaT section 4.2)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from stflow_lib.kernels import rank_contrast

LEAST_VARIANCE = 1e-8  # a cell whose feature never moves: the root's slope stays finite


@dataclass(frozen=True)
class STBLMSettings:
    """Size and strength of the two balancing losses, with the ablations of Figure 3b."""

    width: int = 256  # of the projector and of a region's representation d
    temperature: float = 1.0  # of the contrast
    strength: float = 1.0  # lambda: contrast against the prediction loss summed over cells
    use_contrast: bool = True  # False: no SimDCL
    use_weights: bool = True  # False: omega = 1 (w/o WLoss)

    def __post_init__(self):
        if not self.temperature > 0:
            raise ValueError(f"temperature {self.temperature} is not positive")


def batch_statistics(
    z: Float[Tensor, "b region width"],
) -> tuple[Float[Tensor, "region width"], Float[Tensor, "region width"]]:
    """Mean and sample deviation of each region's feature over the windows of a batch.

    z [B, R, J] -> two [R, J]; ValueError for a single window. Source: STBaT Eq. 10.
    """
    if len(z) < 2:
        raise ValueError("one window has no deviation: the batch must hold two at least")
    z = z.float() if z.dtype in (torch.float16, torch.bfloat16) else z
    return z.mean(0), (z.var(0) + LEAST_VARIANCE).sqrt()


class Projector(nn.Module):
    """d = FC(ReLU(FC(mean, deviation))): two [R, J] -> [R, width] (Eqs. 11 and 12)."""

    def __init__(self, features: int, width: int = 256):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * features, width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(
        self, mean: Float[Tensor, "region width"], deviation: Float[Tensor, "region width"]
    ) -> Float[Tensor, "region projected"]:
        """d, [R, width] (Eq. 11), by two layers (Eq. 12)."""
        return self.layers(torch.cat([mean, deviation], 1))


def uninformative_contrast(similarity: Float[Tensor, "region region"]) -> float:
    """The contrast of representations that are all alike: what a loss of no content costs.

    log((R - 1)!) / (R - 1) without ties, log(R - 1) if all tie.
    """
    alike = torch.ones(len(similarity), 1, dtype=torch.float64, device=similarity.device)
    return rank_contrast(alike, similarity.double()).item()


def rank_correlation(
    features: Float[Tensor, "region width"], similarity: Float[Tensor, "region region"]
) -> float:
    """Spearman's, mean over anchors: does cosine of d order the partners as similarity does?

    0 for an anchor whose partners all tie.
    """
    unit = F.normalize(features.double(), dim=1)
    pair = [_ranks(_others(square)) for square in (unit @ unit.T, similarity.double())]
    one, two = (ranks - ranks.mean(1, keepdim=True) for ranks in pair)
    norms = one.norm(dim=1) * two.norm(dim=1)
    return ((one * two).sum(1) / norms.clamp_min(1e-12)).mean().item()


def _others(square: Float[Tensor, "r r"]) -> Float[Tensor, "r q"]:
    """Every row without its diagonal element."""
    off = ~torch.eye(len(square), dtype=torch.bool, device=square.device)
    return square[off].view(len(square), -1)


def _ranks(rows: Float[Tensor, "r q"]) -> Float[Tensor, "r q"]:
    """Rank of every entry in its row, ties at their mean."""
    ordered = rows.sort(1).values
    first = torch.searchsorted(ordered, rows)
    return (first + torch.searchsorted(ordered, rows, right=True) - 1).double() / 2
