"""`masked_error` on a card: prediction, truth and mask are read once.

Every program adds up the rows that are its own, in float64, and writes its sums beside those of
the others, so the order of additions, and with it every bit, stays the same.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from stflow_lib.kernels.triton_ops.launch import launch, mapped, power_of_two

PROGRAMS = 512  # at most; each adds up its share of the rows
WIDEST = 4096  # steps ahead


def unsupported(prediction: Tensor, truth: Tensor, mask: Tensor) -> str | None:
    """Why the kernels cannot take these arguments."""
    ahead = prediction.shape[-1]
    return f"{ahead} steps ahead are more than {WIDEST}" if ahead > WIDEST else None


def apply(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """The operation by its kernels; arguments as in its public form."""
    return errors(prediction, truth, mask)


@torch.library.custom_op("stflow::masked_error", mutates_args=())
def errors(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Sums of |e|, of e^2 and of readings for each step ahead, [3, ahead] float64."""
    ahead = prediction.shape[-1]
    rows, tile, steps, programs = _plan(prediction)
    sums = prediction.new_empty((programs, 3, ahead), dtype=torch.float64)
    launch(_errors_kernel, (programs,), *_plain(prediction, truth, mask), sums, rows, ahead,
           steps, TILE=tile, AHEAD=power_of_two(ahead))  # fmt: skip
    return sums.sum(0)


@torch.library.custom_op("stflow::masked_error_backward", mutates_args=())
def errors_backward(
    upstream: Tensor, prediction: Tensor, truth: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of prediction and of truth, one the negative of the other."""
    ahead = prediction.shape[-1]
    rows, tile, _, _ = _plan(prediction)
    d_prediction = prediction.new_empty(prediction.shape)
    d_truth = prediction.new_empty(prediction.shape)
    launch(_errors_backward_kernel, (triton.cdiv(rows, tile),), upstream.contiguous(),
           *_plain(prediction, truth, mask), d_prediction, d_truth, rows, ahead,
           TILE=tile, AHEAD=power_of_two(ahead))  # fmt: skip
    return d_prediction, d_truth


@errors.register_fake
def _(prediction, truth, mask):
    return prediction.new_empty((3, prediction.shape[-1]), dtype=torch.float64)


@errors_backward.register_fake
def _(upstream, prediction, truth, mask):
    return prediction.new_empty(prediction.shape), prediction.new_empty(prediction.shape)


def _keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def _gradient(ctx, upstream):
    return *errors_backward(upstream, *ctx.saved_tensors), None


errors.register_autograd(_gradient, setup_context=_keep)
mapped(errors)
mapped(errors_backward)


def _plan(prediction: Tensor) -> tuple[int, int, int, int]:
    """Rows in all, rows of a tile, tiles of a program, programs."""
    ahead = prediction.shape[-1]
    rows = prediction.numel() // max(ahead, 1)
    tile = max(1, 1024 // power_of_two(ahead))
    steps = max(1, triton.cdiv(triton.cdiv(rows, tile), PROGRAMS))
    return rows, tile, steps, triton.cdiv(rows, tile * steps) if ahead else 0


def _plain(prediction: Tensor, truth: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return prediction.contiguous(), truth.contiguous(), mask.contiguous().view(torch.uint8)


@triton.jit
@no_type_check
def _error(prediction, truth, mask, row, rows, ahead, AHEAD: tl.constexpr):
    """Errors of some rows [TILE, AHEAD], 0 without a reading; places; what is there."""
    step = tl.arange(0, AHEAD)[None, :]
    place = row.to(tl.int64)[:, None] * ahead + step
    inside = (row < rows)[:, None] & (step < ahead)
    seen = tl.load(mask + place, mask=inside, other=0) != 0
    p = tl.load(prediction + place, mask=seen, other=0.0)
    return p - tl.load(truth + place, mask=seen, other=0.0), place, inside, seen


@triton.jit
@no_type_check
def _errors_kernel(prediction, truth, mask, sums, rows, ahead, steps,
                   TILE: tl.constexpr, AHEAD: tl.constexpr):  # fmt: skip
    absolute = tl.zeros([AHEAD], tl.float64)
    squared = tl.zeros([AHEAD], tl.float64)
    count = tl.zeros([AHEAD], tl.float64)
    first = tl.program_id(0) * steps
    for tile in range(first, first + steps):
        row = tile * TILE + tl.arange(0, TILE)
        e, _, _, seen = _error(prediction, truth, mask, row, rows, ahead, AHEAD)
        e = e.to(tl.float64)
        absolute += tl.sum(tl.abs(e), axis=0)
        squared += tl.sum(e * e, axis=0)
        count += tl.sum(seen.to(tl.float64), axis=0)
    step = tl.arange(0, AHEAD)
    out = sums + tl.program_id(0) * 3 * ahead + step
    tl.store(out, absolute, mask=step < ahead)
    tl.store(out + ahead, squared, mask=step < ahead)
    tl.store(out + 2 * ahead, count, mask=step < ahead)


@triton.jit
@no_type_check
def _errors_backward_kernel(upstream, prediction, truth, mask, d_prediction, d_truth, rows,
                            ahead, TILE: tl.constexpr, AHEAD: tl.constexpr):  # fmt: skip
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    e, place, inside, seen = _error(prediction, truth, mask, row, rows, ahead, AHEAD)
    e = e.to(tl.float64)
    step = tl.arange(0, AHEAD)
    g_absolute = tl.load(upstream + step, mask=step < ahead, other=0.0)[None, :]
    g_squared = tl.load(upstream + ahead + step, mask=step < ahead, other=0.0)[None, :]
    sign = (e > 0).to(tl.float64) - (e < 0).to(tl.float64)
    d = tl.where(seen, g_absolute * sign + 2 * g_squared * e, 0.0)
    tl.store(d_prediction + place, d, mask=inside)
    tl.store(d_truth + place, -d, mask=inside)
