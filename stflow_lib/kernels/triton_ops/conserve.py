"""`conserve` on a card: the scores are read once and the split is written once.

Gradients, with S = sum of a block's scores + eps and g the upstream gradient of a cell:

    d score = (g - sum(g score) / S) coarse / S,    d coarse = sum(g score) / S.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.triton_ops.launch import accumulator, launch, mapped, power_of_two

LARGEST = 64  # factor whose block still fits into one program


def unsupported(score: Tensor, coarse: Tensor, factor: int, eps: float) -> str | None:
    """Why the kernels cannot take these arguments."""
    return f"factor {factor} is above {LARGEST}" if factor > LARGEST else None


def apply(score: Tensor, coarse: Tensor, factor: int, eps: float) -> Tensor:
    """The operation by its kernels; arguments as in its public form."""
    return split(score, coarse, factor, eps)


@torch.library.custom_op("stflow::conserve", mutates_args=())
def split(score: Tensor, coarse: Tensor, factor: int, eps: float) -> Tensor:
    """The split [B, 1, HM, WM], one program for some blocks."""
    score, coarse = score.contiguous(), coarse.contiguous()
    fine = torch.empty_like(score)
    _start(_split_kernel, (score, coarse, fine), coarse, factor, eps)
    return fine


@torch.library.custom_op("stflow::conserve_backward", mutates_args=())
def split_backward(
    upstream: Tensor, score: Tensor, coarse: Tensor, factor: int, eps: float
) -> tuple[Tensor, Tensor]:
    """Gradients of score and of coarse, by the formulas above."""
    upstream, score, coarse = upstream.contiguous(), score.contiguous(), coarse.contiguous()
    d_score, d_coarse = torch.empty_like(score), torch.empty_like(coarse)
    tensors = (upstream, score, coarse, d_score, d_coarse)
    _start(_split_backward_kernel, tensors, coarse, factor, eps)
    return d_score, d_coarse


@split.register_fake
def _(score, coarse, factor, eps):
    return score.new_empty(score.shape)


@split_backward.register_fake
def _(upstream, score, coarse, factor, eps):
    return score.new_empty(score.shape), coarse.new_empty(coarse.shape)


def _keep(ctx, inputs, output):
    score, coarse, ctx.factor, ctx.eps = inputs
    ctx.save_for_backward(score, coarse)


def _gradient(ctx, upstream):
    return *split_backward(upstream, *ctx.saved_tensors, ctx.factor, ctx.eps), None, None


split.register_autograd(_gradient, setup_context=_keep)
mapped(split)
mapped(split_backward)


def _start(kernel, tensors, coarse: Tensor, factor: int, eps: float) -> None:
    """One program for some blocks side by side, about 2048 cells."""
    batch, _, height, width = coarse.shape
    side = power_of_two(factor)
    across = min(power_of_two(width), max(1, 2048 // side**2))
    grid = (batch * height, triton.cdiv(width, across))
    launch(kernel, grid, *tensors, width, factor=factor, eps=eps, SIDE=side, ACROSS=across,
           EXACT=accumulator(coarse))  # fmt: skip


@triton.jit
@no_type_check
def _cells(width, factor: tl.constexpr, SIDE: tl.constexpr, ACROSS: tl.constexpr):
    """Addresses and masks of a program's blocks and of their cells, [SIDE, ACROSS, SIDE]."""
    row = tl.program_id(0).to(tl.int64)
    block = tl.program_id(1) * ACROSS + tl.arange(0, ACROSS)
    down = tl.arange(0, SIDE)[:, None, None]
    right = tl.arange(0, SIDE)[None, None, :]
    inside = (down < factor) & (right < factor) & (block < width)[None, :, None]
    column = block[None, :, None] * factor + right
    return (
        row * width + block,
        block < width,
        (row * factor + down) * width * factor + column,
        inside,
    )


@triton.jit
@no_type_check
def _block_sum(cells):
    return tl.sum(tl.sum(cells, axis=2), axis=0)


@triton.jit
@no_type_check
def _split_kernel(score, coarse, fine, width, factor: tl.constexpr, eps: tl.constexpr,
                  SIDE: tl.constexpr, ACROSS: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    block, there, cell, inside = _cells(width, factor, SIDE, ACROSS)
    s = tl.load(score + cell, mask=inside, other=0.0).to(EXACT)
    x = tl.load(coarse + block, mask=there, other=0.0).to(EXACT)
    rate = x / tl.where(there, _block_sum(s) + eps, 1.0)
    tl.store(fine + cell, s * rate[None, :, None], mask=inside)


@triton.jit
@no_type_check
def _split_backward_kernel(upstream, score, coarse, d_score, d_coarse, width,
                           factor: tl.constexpr, eps: tl.constexpr, SIDE: tl.constexpr,
                           ACROSS: tl.constexpr, EXACT: tl.constexpr):  # fmt: skip
    block, there, cell, inside = _cells(width, factor, SIDE, ACROSS)
    g = tl.load(upstream + cell, mask=inside, other=0.0).to(EXACT)
    s = tl.load(score + cell, mask=inside, other=0.0).to(EXACT)
    x = tl.load(coarse + block, mask=there, other=0.0).to(EXACT)
    total = tl.where(there, _block_sum(s) + eps, 1.0)
    share = _block_sum(g * s) / total
    back = (g - share[None, :, None]) * (x / total)[None, :, None]
    tl.store(d_score + cell, back, mask=inside)
    tl.store(d_coarse + block, share, mask=there)
