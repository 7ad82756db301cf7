"""Split a coarse count over its block so that nothing is lost (UrbanSTC, Eq. 15)."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from stflow_lib.kernels.backend import run


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

    Shapes, units and source as in `conserve_naive`. A block whose scores are all zero is
    dead: it predicts zero and loses its mass; behind a ReLU it stays so.
    Raises ValueError when the fine size is not `factor` times the coarse size.
    """
    batch, _, height, width = coarse.shape
    if tuple(score.shape) != (batch, 1, height * factor, width * factor):
        raise ValueError(
            f"conserve: score {tuple(score.shape)} is not {factor} times coarse "
            f"{tuple(coarse.shape)}"
        )
    return run("conserve", conserve_naive, _by_blocks, (score, coarse, factor, eps))


def _by_blocks(score: Tensor, coarse: Tensor, factor: int, eps: float) -> Tensor:
    """Through a view of the blocks, [B, 1, H, factor, W, factor]."""
    batch, _, height, width = coarse.shape
    blocks = score.reshape(batch, 1, height, factor, width, factor)
    rate = coarse / (blocks.sum((3, 5)) + eps)  # [B, 1, H, W] vehicles per unit of score
    return (blocks * rate[:, :, :, None, :, None]).reshape(score.shape)
