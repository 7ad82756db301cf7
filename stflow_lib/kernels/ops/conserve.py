"""Split a coarse count over its block so that nothing is lost (UrbanSTC, Eq. 15)."""

from functools import reduce

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from stflow_lib.kernels.backend import dispatch


def conserve_naive(
    score: Float[Tensor, "batch 1 fine_row fine_col"],
    coarse: Float[Tensor, "batch 1 row col"],
    factor: int,
    eps: float = 1e-5,
) -> Float[Tensor, "batch 1 fine_row fine_col"]:
    """M2-normalisation and recovery as the paper writes it: pool, enlarge, divide, multiply.

    score [B, 1, HM, WM] >= 0 (any scale), coarse [B, 1, H, W] in vehicles -> [B, 1, HM, WM],
    vehicles. Source: UrbanSTC Eq. 15; UrbanFM calls it N2-normalisation.
    """
    block_sum = F.avg_pool2d(score, factor) * factor**2
    weight = score / (F.interpolate(block_sum, scale_factor=factor, mode="nearest") + eps)
    return weight * F.interpolate(coarse, scale_factor=factor, mode="nearest")


def conserve(
    score: Float[Tensor, "batch 1 fine_row fine_col"],
    coarse: Float[Tensor, "batch 1 row col"],
    factor: int,
    eps: float = 1e-5,
) -> Float[Tensor, "batch 1 fine_row fine_col"]:
    """The same split in one pass: one division per block, no enlarged copy.

    Eq. 15; shapes, units and source as in `conserve_naive`. A block whose scores are all zero is
    dead: it predicts zero and loses its mass; behind a ReLU it stays so.
    Raises ValueError when the fine size is not `factor` times the coarse size.
    """
    batch, _, height, width = coarse.shape
    if tuple(score.shape) != (batch, 1, height * factor, width * factor):
        raise ValueError(
            f"conserve: score {tuple(score.shape)} is not {factor} times coarse "
            f"{tuple(coarse.shape)}"
        )
    return dispatch("conserve", conserve_naive, _torch, (score, coarse, factor, eps))


def _torch(score: Tensor, coarse: Tensor, factor: int, eps: float) -> Tensor:
    """Block sums along whole rows of memory [B, 1, H, factor, WM], rates enlarged in rows."""
    batch, _, height, width = coarse.shape
    rows = score.reshape(batch, 1, height, factor, width * factor)
    columns = rows.sum(3).unflatten(3, (width, factor)).unbind(4)
    rate = coarse / (reduce(torch.add, columns) + eps)  # vehicles per unit of score
    enlarged = rate[..., None].expand(*rate.shape, factor)
    return (rows * enlarged.flatten(3)[:, :, :, None]).reshape(score.shape)
