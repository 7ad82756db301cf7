"""How far two samples of features are apart: maximum mean discrepancy."""

import torch
from jaxtyping import Float
from torch import Tensor

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the kernels, times the mean squared distance


def mean_discrepancy(one: Float[Tensor, "n j"], two: Float[Tensor, "m j"]) -> Float[Tensor, ""]:
    """Squared maximum mean discrepancy, five Gaussian kernels around the mean distance; >= 0."""
    both = torch.cat([one, two])
    distance = (both[:, None] - both[None, :]).square().sum(2)
    scale = (distance.sum() / max(len(both) * (len(both) - 1), 1)).detach().clamp_min(1e-12)
    kernel = sum((-distance / (scale * width)).exp() for width in WIDTHS)
    n = len(one)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
